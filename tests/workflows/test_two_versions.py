"""Workers of two versions on one task queue, one of which answers more than the other knows."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.worker import Worker

from cli.modes import Mode
from messages.participants import PARTICIPANTS
from messages.sagas import SagaRolledBack, SagaSucceeded
from runtime.data_converter import data_converter
from tests.harness.answers import Substitute, answering_worker
from tests.harness.apart import connected_like
from tests.harness.builders import an_order
from tests.harness.faults import LOYALTY_REFUSES
from tests.harness.opening import OpenShop
from tests.harness.progress import assert_no_task_failed
from tests.harness.shop import Shop

_ORDERS_AT_ONCE = 10
_ROUNDS = 10


class Newer:
    """The next version: it answers with a field more, in every object that it tells of."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        #: How often it answered, by activity.
        self.answered: Counter[str] = Counter()

    async def worker(self) -> AbstractAsyncContextManager[Worker]:
        """Run its worker, which has a connection of its own."""
        names = [name for participant in PARTICIPANTS for name in participant.activities]
        client = await connected_like(self._shop.client)
        substitutes = {name: self._more(name) for name in names}
        return answering_worker(self._shop, substitutes, client=client)

    def _more(self, name: str) -> Substitute:
        def more(_: Any, told: Any) -> Payload:
            self.answered[name] += 1
            (payload,) = data_converter.payload_converter.to_payloads([told])
            said = json.loads(payload.data)
            return Payload(metadata=payload.metadata, data=json.dumps(_with_more(said)).encode())

        return more


def _with_more(said: Any) -> Any:
    if isinstance(said, dict):
        return {name: _with_more(part) for name, part in said.items()} | {"since_2": {"a": [1]}}
    return [_with_more(part) for part in said] if isinstance(said, list) else said


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("outcome", [SagaSucceeded, SagaRolledBack])
async def test_an_order_ends_as_it_should_whichever_version_takes_its_steps(
    open_shop: OpenShop, outcome: type[SagaSucceeded | SagaRolledBack]
) -> None:
    faults = [LOYALTY_REFUSES] if outcome is SagaRolledBack else []
    async with open_shop(*faults, worker=False) as shop:
        newer, placed = Newer(shop), 0
        # A worker that also decides would take most steps itself, without asking the server.
        async with shop.deciding_worker(), shop.acting_worker(), await newer.worker():
            while not _both_took_part(newer.answered, placed):
                assert placed < _ROUNDS * _ORDERS_AT_ONCE
                orders = [an_order() for _ in range(_ORDERS_AT_ONCE)]
                handles = await asyncio.gather(
                    *(shop.place(order, skip_time=True) for order in orders)
                )
                placed += len(orders)
                for order, handle in zip(orders, handles, strict=True):
                    assert isinstance(await shop.outcome(handle), outcome)
                    assert len(shop.standing(order)) == (4 if outcome is SagaSucceeded else 0)
                    await assert_no_task_failed(handle, "in the end")


def _both_took_part(answered: Counter[str], placed: int) -> bool:
    """Tell whether each activity was answered by both versions."""
    return len(answered) >= 4 and all(0 < times < placed for times in answered.values())
