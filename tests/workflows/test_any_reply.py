"""Any answer of an activity, in any shape: a failure like any other, and never a run's end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure

from messages.orders import Order
from messages.sagas import SagaRolledBack, StepState
from tests.harness.answers import ANSWERS, FEW_ANSWERS, Answer, Odd, answering_worker
from tests.harness.faults import LAST_STEP_FAILS
from tests.harness.opening import OpenShop
from tests.harness.progress import assert_no_task_failed
from tests.harness.runs import resolve
from tests.harness.shop import Handle, Shop
from tests.harness.steps import COMPENSATION_OF

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


#: Answers of one step, and of its compensation.
OF_EACH = [
    (step, ANSWERS if step == "process_payment" else FEW_ANSWERS) for step in COMPENSATION_OF
]
each_step = pytest.mark.parametrize(("step", "answers"), OF_EACH, ids=list(COMPENSATION_OF))


@each_step
async def test_an_action_whose_answer_cannot_be_read_may_have_been_done_and_is_undone(
    open_shop: OpenShop, step: str, answers: Mapping[str, Answer]
) -> None:
    odd = Odd(answers)
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
            assert (name == "no answer at all") is ("it is empty" in result.error), name
            assert result.compensated_steps[0] == step, name
            assert len(result.error) < 3000, name
            assert shop.standing(odd.orders[name]) == [], name
            await assert_no_task_failed(handle, name)


@each_step
async def test_a_compensation_whose_answer_cannot_be_read_waits_for_an_operator(
    open_shop: OpenShop, step: str, answers: Mapping[str, Answer]
) -> None:
    odd = Odd(answers)
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
            await resolve(handle, "retry", step)
            result = await shop.outcome(handle)
            assert isinstance(result, SagaRolledBack), name
            assert set(result.compensated_steps) == set(COMPENSATION_OF), name
            assert shop.standing(odd.orders[name]) == [], name
            await assert_no_task_failed(handle, name)


async def test_a_decision_whose_recording_is_answered_unreadably_waits_for_another_one(
    open_shop: OpenShop,
) -> None:
    odd = Odd({"raw bytes": ANSWERS["raw bytes"]})
    (order,) = odd.orders.values()
    names = odd.to("refund_payment", "settle_payment")
    async with (
        open_shop(LAST_STEP_FAILS, worker=False) as shop,
        shop.deciding_worker(),
        answering_worker(shop, names),
    ):
        handle = await shop.place(order)
        await shop.until_step(handle, "process_payment", StepState.NEEDS_INTERVENTION)
        await resolve(handle, "mark_resolved", "process_payment")
        await shop.until_step(handle, "process_payment", StepState.NEEDS_INTERVENTION)
        odd.mended = True
        await resolve(handle, "mark_resolved", "process_payment")
        await shop.rolls_back(handle)
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
        handle = await shop.place(order)
        if step == "refund_payment":
            await shop.until_step(handle, "process_payment", StepState.NEEDS_INTERVENTION)
            odd.mended = True
            await resolve(handle, "retry", "process_payment")
        result = await shop.rolls_back(handle)
        assert "it broke" in result.error or step == "refund_payment"
        assert shop.standing(order) == []
        await assert_no_task_failed(handle, "in the end")


async def _placed(shop: Shop, orders: Mapping[str, Order]) -> dict[str, Handle]:
    handles = await asyncio.gather(*map(shop.place, orders.values()))
    return dict(zip(orders, handles, strict=True))
