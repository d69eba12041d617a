"""A cancel, at any instant, by either way and in either mode, loses nothing and is not lost."""

from __future__ import annotations

import asyncio
from itertools import product

import pytest
from temporalio.client import (
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy

from cli.modes import Mode
from messages.sagas import CancelOrder, SagaStatus, SagaSucceeded, StepState
from services.faults import Kind
from tests.harness.builders import an_order
from tests.harness.cancelling import Cancel, assert_cancelled, assert_too_late, by_update, natively
from tests.harness.deliveries import (
    DELIVERY_OF,
    FORWARD,
    delivery,
    retry_refund,
    until_called,
    until_called_in_vain,
)
from tests.harness.faults import (
    LAST_STEP_FAILS,
    REFUND_FAILS_ONCE,
    SHIPPING_REFUSES,
    delay,
    fault,
    permanent,
    refusal,
)
from tests.harness.opening import OpenShop
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_completed
from tests.harness.runs import closed_as
from tests.harness.steps import COMPENSATION_OF, STEPS, before, up_to

HOURS = 3600.0
WAYS = (by_update, natively)

each_step = pytest.mark.parametrize("step", STEPS)
both_ways = pytest.mark.parametrize("cancel", WAYS)
both_modes = pytest.mark.parametrize("mode", Mode)

#: Among events, what the next attempt of a reaction does is the same for every kind of trouble.
WAITING = [
    *product([Mode.ORCHESTRATION], ["transient", "lost_reply"], STEPS, WAYS),
    *((Mode.CHOREOGRAPHY, "lost_reply", *each) for each in zip(STEPS, WAYS * 2, strict=True)),
]


@both_modes
@both_ways
@each_step
async def test_while_a_step_runs_that_then_completes_it_is_undone_with_the_others(
    open_shop: OpenShop, mode: Mode, step: str, cancel: Cancel
) -> None:
    order = an_order()
    async with open_shop(delay(step, seconds=0.5)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, step)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert result.failed_step == step
        if mode is Mode.ORCHESTRATION:
            assert list(result.compensated_steps) == up_to(step)[::-1]
        else:
            # What was under way is undone, or kept out if the undoing overtook it.
            assert set(before(step)) <= set(result.compensated_steps) <= set(up_to(step))
    assert shop.standing(order) == []


@pytest.mark.parametrize(("mode", "kind", "step", "cancel"), WAITING)
async def test_while_a_step_waits_for_its_next_attempt_the_wait_ends_at_once(
    open_shop: OpenShop,
    policies_with: ChangePolicies,
    mode: Mode,
    kind: Kind,
    step: str,
    cancel: Cancel,
) -> None:
    policies_with(pause=5 * HOURS, window=50 * HOURS)
    order = an_order(deadline_seconds=100 * 3600)
    async with open_shop(fault(kind, step)) as shop:
        handle = await shop.place(order)
        await until_called_in_vain(shop, handle, step)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert set(result.compensated_steps) == set(up_to(step))
        if mode is Mode.ORCHESTRATION:
            assert list(result.compensated_steps) == up_to(step)[::-1]
        else:  # it would go on for a day, to be told that it is too late
            await delivery(shop, handle, DELIVERY_OF[step]).terminate()
        assert shop.standing(order) == []


@both_ways
@each_step
async def test_while_a_step_is_refused_there_is_nothing_of_it_to_undo(
    open_shop: OpenShop, step: str, cancel: Cancel
) -> None:
    order = an_order()
    async with open_shop(delay(step, seconds=0.5), refusal(step)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, step)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert set(before(step)) <= set(result.compensated_steps)
        assert shop.standing(order) == []


@both_ways
@each_step
async def test_while_a_step_fails_for_good_it_is_undone_with_the_others(
    open_shop: OpenShop, step: str, cancel: Cancel
) -> None:
    order = an_order()
    async with open_shop(delay(step, seconds=0.5), permanent(step)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, step)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert list(result.compensated_steps) == up_to(step)[::-1]
        assert shop.standing(order) == []


@both_ways
@each_step
async def test_while_a_step_overruns_its_time_the_late_effect_stays_out(
    open_shop: OpenShop, policies_with: ChangePolicies, step: str, cancel: Cancel
) -> None:
    policies_with(attempt=0.4)
    order = an_order()
    async with open_shop(delay(step, seconds=1.0)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, step)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert list(result.compensated_steps) == up_to(step)[::-1]
    assert shop.standing(order) == []


@both_modes
async def test_natively_before_the_first_step_nothing_happens(
    open_shop: OpenShop, mode: Mode
) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order)
        await handle.cancel()
        async with shop.worker():
            result = await assert_cancelled(shop, handle, natively)
            assert shop.standing(order) == []
            if mode is Mode.ORCHESTRATION:
                assert result.compensated_steps == ()
                assert shop.operations() == 0


@both_modes
async def test_by_update_before_the_first_step_nothing_stands(
    open_shop: OpenShop, mode: Mode
) -> None:
    """An Update that comes along with the start is delivered with the very first task."""
    order = an_order()
    async with open_shop() as shop:
        start: WithStartWorkflowOperation[object, SagaSucceeded] = WithStartWorkflowOperation(
            mode.workflow,
            order,
            id=mode.saga_id(order.order_id),
            task_queue=shop.settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            result_type=SagaSucceeded,
        )
        await shop.client.execute_update_with_start_workflow(
            "cancel_order",
            CancelOrder(reason="changed my mind"),
            start_workflow_operation=start,
        )
        await assert_cancelled(shop, await start.workflow_handle(), by_update)
        assert shop.standing(order) == []


@both_modes
@both_ways
async def test_together_with_the_last_steps_success_it_is_not_swallowed(
    open_shop: OpenShop, mode: Mode, cancel: Cancel
) -> None:
    """Both reach the saga in one go, because nobody decides anything meanwhile."""
    order = an_order()
    async with open_shop(delay(STEPS[-1], seconds=1.0), worker=False) as shop:
        async with shop.acting_worker():
            async with shop.deciding_worker():
                handle = await shop.place(order)
                await until_called(shop, handle, STEPS[-1])
            # An Update is answered only once somebody decides again.
            asked = asyncio.ensure_future(cancel(handle))
            if mode is Mode.ORCHESTRATION:
                await until_completed(handle, activities=len(STEPS))
            else:  # the effect stands, and the order has not heard of it
                await until_completed(delivery(shop, handle, FORWARD["loyalty"]), activities=1)
        async with shop.worker():
            await asked
            result = await assert_cancelled(shop, handle, cancel)
            assert set(result.compensated_steps) == set(STEPS)
            if mode is Mode.ORCHESTRATION:
                assert list(result.compensated_steps) == STEPS[::-1]
            assert shop.standing(order) == []


@both_ways
@each_step
async def test_during_compensation_it_changes_nothing(
    open_shop: OpenShop, step: str, cancel: Cancel
) -> None:
    order = an_order()
    undo = COMPENSATION_OF[step]
    async with open_shop(LAST_STEP_FAILS, delay(undo, seconds=0.5, times=1)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, undo)
        await assert_too_late(handle, cancel)
        result = await shop.rolls_back(handle)
        assert result.status == "FAILED"
        assert list(result.compensated_steps) == STEPS[::-1]
        assert await closed_as(handle) is WorkflowExecutionStatus.FAILED
        assert shop.standing(order) == []


@both_modes
async def test_a_native_cancel_after_a_customers_cancel_stops_no_compensation(
    open_shop: OpenShop, mode: Mode
) -> None:
    order = an_order()
    async with open_shop(delay("prepare_shipping", "refund_payment", seconds=0.5)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, "prepare_shipping")
        await by_update(handle)
        await until_called(shop, handle, "refund_payment")
        await natively(handle)
        await assert_cancelled(shop, handle, by_update)
    assert shop.standing(order) == []


@both_modes
async def test_while_an_operator_is_waited_for_it_changes_nothing(
    open_shop: OpenShop, mode: Mode
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_FAILS_ONCE) as shop:
        handle = await shop.place(order)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await natively(handle)
        with pytest.raises(WorkflowUpdateFailedError):
            await by_update(handle)
        assert (await shop.status(handle)).status is SagaStatus.NEEDS_INTERVENTION
        await retry_refund(shop, handle)
        assert (await shop.rolls_back(handle)).status == "FAILED"
        assert shop.standing(order) == []


@both_modes
async def test_a_customers_cancel_of_a_finished_order_is_refused(
    open_shop: OpenShop, mode: Mode
) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        with pytest.raises(Exception, match="already completed"):
            await by_update(handle)
        assert shop.standing(order) == STEPS


@both_modes
async def test_a_second_cancel_of_the_customer_is_refused(open_shop: OpenShop, mode: Mode) -> None:
    order = an_order()
    async with open_shop(delay("process_payment", "refund_payment", seconds=0.5)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, "process_payment")
        await by_update(handle)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await by_update(handle)
        assert "already turned back (changed my mind)" in str(refused.value.cause)
        await assert_cancelled(shop, handle, by_update)


@both_modes
async def test_the_steps_after_a_cancel_never_begin(open_shop: OpenShop, mode: Mode) -> None:
    order = an_order()
    async with open_shop(delay("reserve_inventory", seconds=0.4)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, "reserve_inventory")
        await by_update(handle)
        await assert_cancelled(shop, handle, by_update)
        first, *others = [step.state for step in (await shop.status(handle)).steps]
        # Among events, the undoing may overtake the effect, and keep it out.
        kept_out = [StepState.PENDING] if mode is Mode.CHOREOGRAPHY else []
        assert first in [StepState.COMPENSATED, *kept_out]
        assert others == [StepState.PENDING] * 3
    assert shop.effects(order) <= 1
