"""Workers whose activities do their work, and then answer otherwise than ours would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, get_type_hints

from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.api.workflowservice.v1 import (
    RespondActivityTaskCompletedRequest,
    RespondActivityTaskFailedRequest,
)
from temporalio.common import RawValue
from temporalio.worker import Worker

from tests.harness.apart import activity_name, plain
from tests.harness.builders import an_id, an_order
from tests.harness.payloads import NOTHING, UNREADABLE
from tests.harness.shop import Shop
from worker import worker_config


class NoAnswer:
    """An activity is reported as done, with no result at all."""


#: What is answered instead.
Answer = Payload | Failure | NoAnswer
#: Gives it for what the activity was asked and answered; None leaves that as it is.
Substitute = Callable[[Any, Any], Answer | None]

#: By what is wrong with it.
ANSWERS: Mapping[str, Answer] = {**UNREADABLE, **NOTHING, "no answer at all": NoAnswer()}
#: All are read in one place; with each activity it is enough to see that it is read there.
FEW_ANSWERS = {name: ANSWERS[name] for name in ("raw bytes", "a list", "binary/null")}
FEW_ANSWERS["no answer at all"] = ANSWERS["no answer at all"]


class Odd:
    """Answers each order in its own odd way, until it is mended."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.orders = {name: an_order(an_id("odd")) for name in answers}
        self._answers = {self.orders[name].order_id: answer for name, answer in answers.items()}
        self.mended = False

    def to(self, *activities: str) -> dict[str, Substitute]:
        """In place of the answers of these activities."""
        return dict.fromkeys(activities, self._answer)

    def _answer(self, asked: Any, _: Any) -> Answer | None:
        order_id = asked.order.order_id if hasattr(asked, "order") else asked.order_id
        return None if self.mended else self._answers.get(order_id)


def answering_worker(
    shop: Shop, substitutes: Mapping[str, Substitute], **changes: Any
) -> AbstractAsyncContextManager[Worker]:
    """Run a worker for the activities, some of which answer something else.

    It needs a client of its own where there is another worker that runs them.
    """
    product = worker_config(plain(shop.client), shop.services, shop.settings)
    activities = [
        _answering(shop, name, real, substitutes[name]) if name in substitutes else real
        for name, real in ((activity_name(each), each) for each in product["activities"])
    ]
    return shop.worker(workflows=(), activities=activities, **changes)


def _answering(
    shop: Shop, name: str, real: Callable[[Any], Any], substitute: Substitute
) -> Callable[[Any], Any]:
    loop = asyncio.get_running_loop()

    def answering(asked: Any) -> Any:
        told = real(asked)
        answer = substitute(asked, told)
        if answer is None:
            return told
        if isinstance(answer, Payload):
            return RawValue(answer)
        responding = _respond(shop, activity.info().task_token, answer)
        asyncio.run_coroutine_threadsafe(responding, loop).result(10)
        activity.raise_complete_async()

    hints = get_type_hints(real)
    answering.__annotations__ = {"asked": next(iter(hints.values()))}
    return activity.defn(name=name)(answering)


async def _respond(shop: Shop, token: bytes, answer: Failure | NoAnswer) -> None:
    service, namespace = shop.client.workflow_service, shop.client.namespace
    if isinstance(answer, Failure):
        await service.respond_activity_task_failed(
            RespondActivityTaskFailedRequest(task_token=token, namespace=namespace, failure=answer)
        )
    else:
        await service.respond_activity_task_completed(
            RespondActivityTaskCompletedRequest(task_token=token, namespace=namespace)
        )
