"""The way back: nothing is left behind, and what cannot be undone is put before a person."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError

from messages.sagas import (
    SagaRolledBack,
    SagaStatus,
    StepState,
    StepView,
)
from tests.harness.builders import an_order
from tests.harness.faults import (
    LAST_STEP_FAILS,
    REFUND_FAILS_ONCE,
    lost_reply,
    permanent,
    transient,
)
from tests.harness.opening import OpenShop
from tests.harness.placing import parked
from tests.harness.policies import ChangePolicies
from tests.harness.runs import closed_as, resolve
from tests.harness.shop import Handle, Shop
from tests.harness.steps import COMPENSATION_OF, STEPS
from workflows.orchestration import order_saga

each_step = pytest.mark.parametrize("step", STEPS)


async def step_of(shop: Shop, handle: Handle, name: str) -> StepView:
    return next(s for s in (await shop.status(handle)).steps if s.name == name)


@each_step
async def test_a_compensation_outlasts_hours_of_faults(open_shop: OpenShop, step: str) -> None:
    order = an_order()
    outage = transient(COMPENSATION_OF[step], times=16)
    async with open_shop(LAST_STEP_FAILS, outage) as shop:
        result = await shop.outcome_of(order)
        assert isinstance(result, SagaRolledBack)
        assert list(result.compensated_steps) == STEPS[::-1]
        assert shop.standing(order) == []


@each_step
async def test_a_compensation_whose_reply_was_lost_undoes_only_once(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    lost = lost_reply(COMPENSATION_OF[step], times=2)
    async with open_shop(LAST_STEP_FAILS, lost) as shop:
        result = await shop.outcome_of(order)
        assert isinstance(result, SagaRolledBack)
        assert list(result.compensated_steps) == STEPS[::-1]
        assert shop.standing(order) == []


@each_step
async def test_a_compensation_that_fails_for_good_stops_no_other_and_waits_for_an_operator(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    broken = permanent(COMPENSATION_OF[step])
    async with open_shop(LAST_STEP_FAILS, broken) as shop:
        handle = await shop.place(order, skip_time=True)
        await shop.until_step(handle, step, StepState.NEEDS_INTERVENTION)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        for other in set(STEPS) - {step}:
            await shop.until_step(handle, other, StepState.COMPENSATED)
        assert shop.standing(order) == [step]
        assert await closed_as(handle) is WorkflowExecutionStatus.RUNNING
        await shop.until_listed_as(handle, SagaStatus.NEEDS_INTERVENTION)

        await resolve(handle, "mark_resolved", step)
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == (step,)
        assert list(result.compensated_steps) == [n for n in STEPS[::-1] if n != step]
        assert await closed_as(handle) is WorkflowExecutionStatus.FAILED

        view = await step_of(shop, handle, step)
        assert view.state is StepState.COMPENSATED
        assert view.resolution is not None
        assert (view.resolution.operator, view.resolution.note) == ("ada", "letter 4711")


async def test_a_compensation_that_uses_up_its_whole_window_is_parked_as_well(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    policies_with(undo_pause=3.0 * 3600)
    order = an_order()
    outage = transient("refund_payment")
    async with open_shop(LAST_STEP_FAILS, outage) as shop:
        handle = await parked(shop, order)
        await resolve(handle, "mark_resolved", "process_payment")
        await shop.rolls_back(handle)


async def test_an_operators_retry_undoes_what_failed_before(open_shop: OpenShop) -> None:
    order = an_order()
    broken = permanent("refund_payment", times=2)
    async with open_shop(LAST_STEP_FAILS, broken) as shop:
        handle = await parked(shop, order)
        await resolve(handle, "retry", "process_payment")
        await shop.until_step(handle, "process_payment", StepState.NEEDS_INTERVENTION)
        await resolve(handle, "retry", "process_payment")
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == ()
        assert set(result.compensated_steps) == set(STEPS)
        assert result.compensated_steps[-1] == "process_payment"
        assert shop.standing(order) == []


async def test_two_parked_compensations_are_resolved_one_by_one(open_shop: OpenShop) -> None:
    order = an_order()
    broken = [permanent(name, times=1) for name in ("refund_payment", "cancel_shipment")]
    async with open_shop(LAST_STEP_FAILS, *broken) as shop:
        handle = await shop.place(order, skip_time=True)
        for step in ("process_payment", "prepare_shipping"):
            await shop.until_step(handle, step, StepState.NEEDS_INTERVENTION)
        await resolve(handle, "retry", "prepare_shipping")
        await shop.until_step(handle, "prepare_shipping", StepState.COMPENSATED)
        assert (await shop.status(handle)).status is SagaStatus.NEEDS_INTERVENTION
        await resolve(handle, "retry", "process_payment")
        await shop.rolls_back(handle)
        assert shop.standing(order) == []


async def test_a_decision_about_a_step_that_does_not_wait_is_refused(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(LAST_STEP_FAILS, REFUND_FAILS_ONCE) as shop:
        handle = await parked(shop, order)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await resolve(handle, "retry", "reserve_inventory")
        assert "waiting: process_payment" in str(refused.value.cause)
        await resolve(handle, "retry", "process_payment")
        await shop.outcome(handle)


@pytest.mark.parametrize(
    "missing", [{"operator": " "}, {"note": ""}, {"action": "ignore"}, {"step": None}]
)
async def test_a_decision_without_who_what_or_why_is_refused(
    open_shop: OpenShop, missing: dict[str, object]
) -> None:
    order = an_order()
    complete = {"step": "process_payment", "action": "retry", "operator": "ada", "note": "again"}
    async with open_shop(LAST_STEP_FAILS, REFUND_FAILS_ONCE) as shop:
        handle = await parked(shop, order)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update("resolve_compensation", {**complete, **missing})
        assert next(iter(missing)) in str(refused.value.cause)
        await handle.execute_update("resolve_compensation", complete)
        await shop.outcome(handle)


def test_every_step_of_the_saga_is_covered_here() -> None:
    assert [step.name for step in order_saga.STEPS] == STEPS
