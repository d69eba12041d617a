"""The way back: nothing is left behind, and what cannot be undone is put before a person."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError

from messages.sagas import (
    ResolveCompensation,
    SagaRolledBack,
    SagaStatus,
    StepState,
    StepView,
)
from tests.harness.builders import an_order
from tests.workflows.conftest import Handle, OpenShop, Policies, Shop
from workflows.orchestration.order_saga import STEPS, OrderSaga

COMPENSATION_OF = {
    "reserve_inventory": "release_inventory",
    "process_payment": "refund_payment",
    "prepare_shipping": "cancel_shipment",
    "award_loyalty_points": "deduct_loyalty_points",
}
NAMES = list(COMPENSATION_OF)

#: The last step fails in a way that leaves open what happened, so all four are undone.
LAST_STEP_FAILS = {"operations": [NAMES[-1]], "kind": "permanent", "when": "after", "rate": 1.0}

each_step = pytest.mark.parametrize("step", NAMES)


async def step_of(shop: Shop, handle: Handle, name: str) -> StepView:
    return next(s for s in (await shop.status(handle)).steps if s.name == name)


async def resolve(handle: Handle, step: str, action: str) -> None:
    await handle.execute_update(
        OrderSaga.resolve_compensation,
        ResolveCompensation.model_validate(
            {"step": step, "action": action, "operator": "ada", "note": "bank letter 4711"}
        ),
    )


@each_step
async def test_a_compensation_outlasts_hours_of_faults(open_shop: OpenShop, step: str) -> None:
    order = an_order()
    outage = {"operations": [COMPENSATION_OF[step]], "kind": "transient", "count": 16}
    async with open_shop(LAST_STEP_FAILS, outage) as shop:
        result = await shop.place(order)
        assert isinstance(result, SagaRolledBack)
        assert list(result.compensated_steps) == NAMES[::-1]
        assert shop.standing(order) == []


@each_step
async def test_a_compensation_whose_reply_was_lost_undoes_only_once(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    lost = {"operations": [COMPENSATION_OF[step]], "kind": "lost_reply", "count": 2}
    async with open_shop(LAST_STEP_FAILS, lost) as shop:
        result = await shop.place(order)
        assert isinstance(result, SagaRolledBack)
        assert list(result.compensated_steps) == NAMES[::-1]
        assert shop.standing(order) == []


@each_step
async def test_a_compensation_that_fails_for_good_stops_no_other_and_waits_for_an_operator(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    broken = {"operations": [COMPENSATION_OF[step]], "kind": "permanent", "rate": 1.0}
    async with open_shop(LAST_STEP_FAILS, broken) as shop:
        handle = await shop.start(order)
        await shop.until_step(handle, step, StepState.NEEDS_INTERVENTION)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        for other in set(NAMES) - {step}:
            await shop.until_step(handle, other, StepState.COMPENSATED)
        assert shop.standing(order) == [step]
        assert await shop.closed_as(handle) is WorkflowExecutionStatus.RUNNING
        await shop.until_listed_as(handle, SagaStatus.NEEDS_INTERVENTION)

        await resolve(handle, step, "mark_resolved")
        result = await shop.outcome(handle)
        assert isinstance(result, SagaRolledBack)
        assert result.resolved_manually == (step,)
        assert list(result.compensated_steps) == [n for n in NAMES[::-1] if n != step]
        assert await shop.closed_as(handle) is WorkflowExecutionStatus.FAILED

        view = await step_of(shop, handle, step)
        assert view.state is StepState.COMPENSATED
        assert view.resolution is not None
        assert (view.resolution.operator, view.resolution.note) == ("ada", "bank letter 4711")


async def test_a_compensation_that_uses_up_its_whole_window_is_parked_as_well(
    open_shop: OpenShop, policies_with: Policies
) -> None:
    policies_with(pause=3.0 * 3600)
    order = an_order()
    outage = {"operations": ["refund_payment"], "kind": "transient", "rate": 1.0}
    async with open_shop(LAST_STEP_FAILS, outage) as shop:
        handle = await shop.start(order)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await resolve(handle, "process_payment", "mark_resolved")
        assert isinstance(await shop.outcome(handle), SagaRolledBack)


async def test_an_operators_retry_undoes_what_failed_before(open_shop: OpenShop) -> None:
    order = an_order()
    broken = {"operations": ["refund_payment"], "kind": "permanent", "count": 2}
    async with open_shop(LAST_STEP_FAILS, broken) as shop:
        handle = await shop.start(order)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await resolve(handle, "process_payment", "retry")
        await shop.until_step(handle, "process_payment", StepState.NEEDS_INTERVENTION)
        await resolve(handle, "process_payment", "retry")
        result = await shop.outcome(handle)
        assert isinstance(result, SagaRolledBack)
        assert result.resolved_manually == ()
        assert set(result.compensated_steps) == set(NAMES)
        assert result.compensated_steps[-1] == "process_payment"
        assert shop.standing(order) == []


async def test_two_parked_compensations_are_resolved_one_by_one(open_shop: OpenShop) -> None:
    order = an_order()
    broken = [
        {"operations": [name], "kind": "permanent", "count": 1}
        for name in ("refund_payment", "cancel_shipment")
    ]
    async with open_shop(LAST_STEP_FAILS, *broken) as shop:
        handle = await shop.start(order)
        for step in ("process_payment", "prepare_shipping"):
            await shop.until_step(handle, step, StepState.NEEDS_INTERVENTION)
        await resolve(handle, "prepare_shipping", "retry")
        await shop.until_step(handle, "prepare_shipping", StepState.COMPENSATED)
        assert (await shop.status(handle)).status is SagaStatus.NEEDS_INTERVENTION
        await resolve(handle, "process_payment", "retry")
        assert isinstance(await shop.outcome(handle), SagaRolledBack)
        assert shop.standing(order) == []


async def test_a_decision_about_a_step_that_does_not_wait_is_refused(open_shop: OpenShop) -> None:
    order = an_order()
    broken = {"operations": ["refund_payment"], "kind": "permanent", "count": 1}
    async with open_shop(LAST_STEP_FAILS, broken) as shop:
        handle = await shop.start(order)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await resolve(handle, "reserve_inventory", "retry")
        assert "waiting: process_payment" in str(refused.value.cause)
        await resolve(handle, "process_payment", "retry")
        await shop.outcome(handle)


@pytest.mark.parametrize(
    "missing", [{"operator": " "}, {"note": ""}, {"action": "ignore"}, {"step": None}]
)
async def test_a_decision_without_who_what_or_why_is_refused(
    open_shop: OpenShop, missing: dict[str, object]
) -> None:
    order = an_order()
    broken = {"operations": ["refund_payment"], "kind": "permanent", "count": 1}
    complete = {"step": "process_payment", "action": "retry", "operator": "ada", "note": "again"}
    async with open_shop(LAST_STEP_FAILS, broken) as shop:
        handle = await shop.start(order)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update("resolve_compensation", {**complete, **missing})
        assert next(iter(missing)) in str(refused.value.cause)
        await handle.execute_update("resolve_compensation", complete)
        await shop.outcome(handle)


def test_every_step_of_the_saga_is_covered_here() -> None:
    assert [step.name for step in STEPS] == NAMES
