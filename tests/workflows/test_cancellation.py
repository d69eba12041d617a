"""A cancel, at any instant and by either way, loses nothing and is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from temporalio.client import (
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy

from messages.sagas import (
    CancelOrder,
    ResolveCompensation,
    SagaRolledBack,
    SagaStatus,
    SagaSucceeded,
    StepState,
)
from tests.harness.builders import an_order
from tests.workflows.conftest import Handle, OpenShop, Policies, Shop
from workflows.orchestration.order_saga import STEPS, OrderSaga

NAMES = [step.name for step in STEPS]
HOURS = 3600.0

Cancel = Callable[[Handle], Awaitable[object]]


async def by_update(handle: Handle) -> None:
    await handle.execute_update(OrderSaga.cancel_order, CancelOrder(reason="changed my mind"))


async def natively(handle: Handle) -> None:
    await handle.cancel()


each_step = pytest.mark.parametrize("step", NAMES)
both_ways = pytest.mark.parametrize("cancel", [by_update, natively])


def up_to(step: str) -> list[str]:
    return NAMES[: NAMES.index(step) + 1]


async def assert_cancelled(shop: Shop, handle: Handle, cancel: Cancel) -> SagaRolledBack:
    """The run ended as cancelled, in the way that fits how it was cancelled."""
    result = await shop.outcome(handle)
    assert isinstance(result, SagaRolledBack)
    assert result.status == "CANCELLED"
    closed = await shop.closed_as(handle)
    if cancel is natively:
        assert closed is WorkflowExecutionStatus.CANCELED
    else:
        assert closed is WorkflowExecutionStatus.FAILED
        assert result.error == "changed my mind"
    assert (await shop.status(handle)).status is SagaStatus.CANCELLED
    await shop.until_listed_as(handle, SagaStatus.CANCELLED)
    return result


@both_ways
@each_step
async def test_while_a_step_runs_that_then_completes_it_is_undone_with_the_others(
    open_shop: OpenShop, step: str, cancel: Cancel
) -> None:
    order = an_order()
    async with open_shop(
        {"operations": [step], "kind": "delay", "seconds": 0.5, "rate": 1}
    ) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, step, running=True)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert result.failed_step == step
        assert list(result.compensated_steps) == up_to(step)[::-1]
        assert shop.standing(order) == []


@both_ways
@each_step
@pytest.mark.parametrize("fault", ["transient", "lost_reply"])
async def test_while_a_step_waits_for_its_next_attempt_the_wait_ends_at_once(
    open_shop: OpenShop, policies_with: Policies, step: str, cancel: Cancel, fault: str
) -> None:
    policies_with(pause=5 * HOURS, window=50 * HOURS)
    order = an_order(deadline_seconds=100 * 3600)
    async with open_shop({"operations": [step], "kind": fault, "rate": 1.0}) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, step, running=False)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert list(result.compensated_steps) == up_to(step)[::-1]
        assert shop.standing(order) == []


@both_ways
@each_step
async def test_while_a_step_is_refused_there_is_nothing_of_it_to_undo(
    open_shop: OpenShop, step: str, cancel: Cancel
) -> None:
    order = an_order()
    slow = {"operations": [step], "kind": "delay", "seconds": 0.5, "rate": 1.0}
    refused = {"operations": [step], "kind": "refusal", "rate": 1.0}
    async with open_shop(slow, refused) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, step, running=True)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert set(up_to(step)[:-1]) <= set(result.compensated_steps)
        assert shop.standing(order) == []


@both_ways
@each_step
async def test_while_a_step_fails_for_good_it_is_undone_with_the_others(
    open_shop: OpenShop, step: str, cancel: Cancel
) -> None:
    order = an_order()
    slow = {"operations": [step], "kind": "delay", "seconds": 0.5, "rate": 1.0}
    broken = {"operations": [step], "kind": "permanent", "rate": 1.0}
    async with open_shop(slow, broken) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, step, running=True)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert list(result.compensated_steps) == up_to(step)[::-1]
        assert shop.standing(order) == []


@both_ways
@each_step
async def test_while_a_step_overruns_its_time_the_late_effect_stays_out(
    open_shop: OpenShop, policies_with: Policies, step: str, cancel: Cancel
) -> None:
    policies_with(attempt=0.4)
    order = an_order()
    slow = {"operations": [step], "kind": "delay", "seconds": 1.0, "rate": 1.0}
    async with open_shop(slow) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, step, running=True)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert list(result.compensated_steps) == up_to(step)[::-1]
    assert shop.standing(order) == []


async def test_natively_before_the_first_step_nothing_happens(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop:
        handle = await shop.start(order, skip_time=False)
        await handle.cancel()
        async with shop.new_worker():
            result = await assert_cancelled(shop, handle, natively)
            assert result.compensated_steps == ()
            assert shop.operations() == 0


async def test_by_update_before_the_first_step_nothing_stands(open_shop: OpenShop) -> None:
    """An Update that comes along with the start is delivered with the very first task."""
    order = an_order()
    async with open_shop() as shop:
        start = WithStartWorkflowOperation(
            OrderSaga.run,
            order,
            id=f"order_saga_{order.order_id}",
            task_queue=shop.settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        )
        await shop.env.client.execute_update_with_start_workflow(
            OrderSaga.cancel_order,
            CancelOrder(reason="changed my mind"),
            start_workflow_operation=start,
        )
        await assert_cancelled(shop, await start.workflow_handle(), by_update)
        assert shop.standing(order) == []


@both_ways
async def test_together_with_the_last_steps_success_it_is_not_swallowed(
    open_shop: OpenShop, cancel: Cancel
) -> None:
    """Both reach the saga in one go, because nobody decides anything meanwhile."""
    order = an_order()
    slow = {"operations": [NAMES[-1]], "kind": "delay", "seconds": 1.0, "rate": 1.0}
    async with open_shop(slow, worker=False) as shop:
        async with shop.acting_worker():
            async with shop.deciding_worker():
                handle = await shop.start(order, skip_time=False)
                await shop.until_attempt(handle, NAMES[-1], running=True)
            # An Update is answered only once somebody decides again.
            asked = asyncio.ensure_future(cancel(handle))
            await shop.until_completed(handle, activities=4)
        async with shop.new_worker():
            await asked
            result = await assert_cancelled(shop, handle, cancel)
            assert list(result.compensated_steps) == NAMES[::-1]
            assert shop.standing(order) == []


@both_ways
@each_step
async def test_during_compensation_it_changes_nothing(
    open_shop: OpenShop, step: str, cancel: Cancel
) -> None:
    order = an_order()
    undo = next(s.compensation.__name__ for s in STEPS if s.name == step)
    fails = {"operations": [NAMES[-1]], "kind": "permanent", "when": "after", "rate": 1.0}
    slow = {"operations": [undo], "kind": "delay", "seconds": 0.5, "count": 1}
    async with open_shop(fails, slow) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, undo, running=True)
        if cancel is by_update:
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await by_update(handle)
            assert "too late to cancel" in str(refused.value.cause)
        else:
            await handle.cancel()
        result = await shop.outcome(handle)
        assert isinstance(result, SagaRolledBack)
        assert result.status == "FAILED"
        assert list(result.compensated_steps) == NAMES[::-1]
        assert await shop.closed_as(handle) is WorkflowExecutionStatus.FAILED
        assert shop.standing(order) == []


async def test_a_native_cancel_after_a_customers_cancel_stops_no_compensation(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    slow = {"operations": ["prepare_shipping"], "kind": "delay", "seconds": 0.5, "rate": 1.0}
    slow_undo = {"operations": ["refund_payment"], "kind": "delay", "seconds": 0.5, "rate": 1.0}
    async with open_shop(slow, slow_undo) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, "prepare_shipping", running=True)
        await by_update(handle)
        await shop.until_attempt(handle, "refund_payment", running=True)
        await handle.cancel()
        await assert_cancelled(shop, handle, by_update)
        assert shop.standing(order) == []


async def test_while_an_operator_is_waited_for_it_changes_nothing(open_shop: OpenShop) -> None:
    order = an_order()
    fails = {"operations": ["prepare_shipping"], "kind": "refusal", "rate": 1.0}
    broken = {"operations": ["refund_payment"], "kind": "permanent", "count": 1}
    async with open_shop(fails, broken) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await handle.cancel()
        with pytest.raises(WorkflowUpdateFailedError):
            await by_update(handle)
        assert (await shop.status(handle)).status is SagaStatus.NEEDS_INTERVENTION
        await handle.execute_update(
            OrderSaga.resolve_compensation,
            ResolveCompensation(step="process_payment", action="retry", operator="ada", note="up"),
        )
        result = await shop.outcome(handle)
        assert isinstance(result, SagaRolledBack)
        assert result.status == "FAILED"
        assert shop.standing(order) == []


async def test_a_customers_cancel_of_a_finished_order_is_refused(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.start(order)
        assert isinstance(await shop.outcome(handle), SagaSucceeded)
        with pytest.raises(Exception, match="already completed"):
            await by_update(handle)
        assert shop.standing(order) == NAMES


async def test_a_second_cancel_of_the_customer_is_refused(open_shop: OpenShop) -> None:
    order = an_order()
    slow = {"operations": ["process_payment"], "kind": "delay", "seconds": 0.5, "rate": 1.0}
    async with open_shop(slow) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, "process_payment", running=True)
        await by_update(handle)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await by_update(handle)
        assert "already turned back (changed my mind)" in str(refused.value.cause)
        await assert_cancelled(shop, handle, by_update)


async def test_the_steps_after_a_cancel_never_begin(open_shop: OpenShop) -> None:
    order = an_order()
    slow = {"operations": ["reserve_inventory"], "kind": "delay", "seconds": 0.4, "rate": 1.0}
    async with open_shop(slow) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, "reserve_inventory", running=True)
        await by_update(handle)
        await shop.outcome(handle)
        view = await shop.status(handle)
        assert [s.state for s in view.steps] == [
            StepState.COMPENSATED,
            StepState.PENDING,
            StepState.PENDING,
            StepState.PENDING,
        ]
