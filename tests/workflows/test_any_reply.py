"""Any answer of an activity, in any shape: a failure like any other, and never a run's end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure

from messages.orders import Order
from messages.sagas import ResolveCompensation, SagaRolledBack, SagaSucceeded, StepState
from tests.builders import an_id, an_order
from tests.workflows.answering import Answer, NoAnswer, Substitute, answering_worker
from tests.workflows.conftest import Handle, OpenShop, Shop
from tests.workflows.deliveries import BACKWARD, FORWARD, decide, delivery, until_parked
from tests.workflows.payloads import NOTHING, UNREADABLE
from tests.workflows.test_any_message import assert_no_task_failed
from tests.workflows.test_backward import COMPENSATION_OF, LAST_STEP_FAILS
from workflows.orchestration.order_saga import OrderSaga

#: By what is wrong with it.
ANSWERS: Mapping[str, Answer] = {**UNREADABLE, **NOTHING, "no answer at all": NoAnswer()}
#: All are read in one place; with each activity it is enough to see that it is read there.
FEW_ANSWERS = {name: ANSWERS[name] for name in ("raw bytes", "a list", "binary/null")}
FEW_ANSWERS["no answer at all"] = ANSWERS["no answer at all"]

_UNREADABLE = Payload(metadata={"encoding": b"unheard-of"})


def _failure(encoded: Payload | None = None, cause: Failure | None = None, **info: Any) -> Failure:
    return Failure(
        message="it broke",
        encoded_attributes=encoded,
        cause=cause,
        application_failure_info=ApplicationFailureInfo(type="Broken", non_retryable=True, **info),
    )


_TWO = Payloads(payloads=[Payload(metadata={"encoding": b"json/plain"}, data=b"1"), _UNREADABLE])
FAILURES: Mapping[str, Failure] = {
    "unreadable details": _failure(details=_TWO),
    "unreadable attributes": _failure(_UNREADABLE),
    "an unknown category": _failure(category=99),
    "an unreadable cause": _failure(cause=_failure(details=_TWO)),
}

#: The last step is refused, so that the other services have something to undo.
LOYALTY_REFUSES = {"operations": ["award_loyalty_points"], "kind": "refusal", "rate": 1.0}


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


@pytest.mark.parametrize("step", COMPENSATION_OF)
async def test_an_action_whose_answer_cannot_be_read_may_have_been_done_and_is_undone(
    open_shop: OpenShop, step: str
) -> None:
    odd = Odd(ANSWERS)
    async with (
        open_shop(worker=False) as shop,
        shop.deciding_worker(),
        answering_worker(shop, odd.to(step)),
    ):
        placed = await _placed(shop, odd.orders)
        for name, handle in placed.items():
            result = await shop.outcome(handle)
            assert isinstance(result, SagaRolledBack), name
            assert result.failed_step == step, name
            assert f"the answer of {step} cannot be read" in result.error, name
            assert result.compensated_steps[0] == step, name
            assert len(result.error) < 3000, name
            assert shop.standing(odd.orders[name]) == [], name
            await assert_no_task_failed(handle, name)


@pytest.mark.parametrize("step", COMPENSATION_OF)
async def test_a_compensation_whose_answer_cannot_be_read_waits_for_an_operator(
    open_shop: OpenShop, step: str
) -> None:
    odd = Odd(ANSWERS)
    async with (
        open_shop(LAST_STEP_FAILS, worker=False) as shop,
        shop.deciding_worker(),
        answering_worker(shop, odd.to(COMPENSATION_OF[step])),
    ):
        placed = await _placed(shop, odd.orders)
        for handle in placed.values():
            await shop.until_step(handle, step, StepState.NEEDS_INTERVENTION)
        odd.mended = True
        for name, handle in placed.items():
            await _retry(handle, step)
            result = await shop.outcome(handle)
            assert isinstance(result, SagaRolledBack), name
            assert set(result.compensated_steps) == set(COMPENSATION_OF), name
            assert shop.standing(odd.orders[name]) == [], name
            await assert_no_task_failed(handle, name)


async def test_a_decision_whose_recording_is_answered_unreadably_waits_for_another_one(
    open_shop: OpenShop,
) -> None:
    odd = Odd({"raw bytes": UNREADABLE["raw bytes"]})
    (order,) = odd.orders.values()
    names = odd.to("refund_payment", "settle_payment")
    async with (
        open_shop(LAST_STEP_FAILS, worker=False) as shop,
        shop.deciding_worker(),
        answering_worker(shop, names),
    ):
        handle = await shop.start_in_real_time(order)
        await shop.until_step(handle, "process_payment", StepState.NEEDS_INTERVENTION)
        await _decide(handle, "process_payment", "mark_resolved")
        await shop.until_step(handle, "process_payment", StepState.NEEDS_INTERVENTION)
        odd.mended = True
        await _decide(handle, "process_payment", "mark_resolved")
        assert isinstance(await shop.outcome(handle), SagaRolledBack)
        assert shop.standing(order) == []
        await assert_no_task_failed(handle, "in the end")


@pytest.mark.parametrize("step", ["process_payment", "refund_payment"])
@pytest.mark.parametrize("failure", FAILURES)
async def test_a_failure_that_cannot_be_read_in_full_is_a_failure_all_the_same(
    open_shop: OpenShop, step: str, failure: str
) -> None:
    odd = Odd({failure: FAILURES[failure]})
    (order,) = odd.orders.values()
    async with (
        open_shop(LAST_STEP_FAILS, worker=False) as shop,
        shop.deciding_worker(),
        answering_worker(shop, odd.to(step)),
    ):
        handle = await shop.start_in_real_time(order)
        if step == "refund_payment":
            await shop.until_step(handle, "process_payment", StepState.NEEDS_INTERVENTION)
            odd.mended = True
            await _retry(handle, "process_payment")
        result = await shop.outcome(handle)
        assert isinstance(result, SagaRolledBack)
        assert "it broke" in result.error or step == "refund_payment"
        assert shop.standing(order) == []
        await assert_no_task_failed(handle, "in the end")


@pytest.mark.parametrize("service", FORWARD)
async def test_a_reaction_whose_answer_cannot_be_read_parks_its_delivery(
    open_shop: OpenShop, service: str
) -> None:
    odd = Odd(ANSWERS if service == "payment" else FEW_ANSWERS)
    event = FORWARD[service].split("/")[0]
    async with (
        open_shop(worker=False) as shop,
        shop.deciding_worker(),
        answering_worker(shop, odd.to(_reaction(service, event))),
    ):
        await _are_parked_and_replayed(shop, odd, FORWARD[service], SagaSucceeded)


@pytest.mark.parametrize("service", BACKWARD)
async def test_an_undoing_reaction_whose_answer_cannot_be_read_parks_its_delivery(
    open_shop: OpenShop, service: str
) -> None:
    odd = Odd(FEW_ANSWERS)
    async with (
        open_shop(LOYALTY_REFUSES, worker=False) as shop,
        shop.deciding_worker(),
        answering_worker(shop, odd.to(_reaction(service, "OrderCancelled"))),
    ):
        await _are_parked_and_replayed(shop, odd, BACKWARD[service], SagaRolledBack)


async def _are_parked_and_replayed(
    shop: Shop, odd: Odd, name: str, outcome: type[SagaSucceeded | SagaRolledBack]
) -> None:
    orders = odd.orders
    placed = {name: await shop.create(order) for name, order in orders.items()}
    letters = {odd_name: delivery(shop, order, name) for odd_name, order in placed.items()}
    for shape, letter in letters.items():
        parked = await until_parked(letter)
        assert "cannot be read" in (parked.error or ""), shape
    odd.mended = True
    for shape, letter in letters.items():
        await decide(letter, "replay")
        assert isinstance(await shop.outcome(placed[shape]), outcome), shape
        stands = 4 if outcome is SagaSucceeded else 0
        assert len(shop.standing(orders[shape])) == stands, shape
        await assert_no_task_failed(placed[shape], shape)
        await assert_no_task_failed(letter, shape)


def _reaction(service: str, event: str) -> str:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in event)
    return f"{service}_on{words}"


async def _placed(shop: Shop, orders: Mapping[str, Order]) -> dict[str, Handle]:
    handles = await asyncio.gather(*map(shop.start_in_real_time, orders.values()))
    return dict(zip(orders, handles, strict=True))


async def _retry(handle: Handle, step: str) -> None:
    await _decide(handle, step, "retry")


async def _decide(handle: Handle, step: str, action: str) -> None:
    await handle.execute_update(
        OrderSaga.resolve_compensation,
        ResolveCompensation.model_validate(
            {"step": step, "action": action, "operator": "ada", "note": "a good worker is there"}
        ),
    )
