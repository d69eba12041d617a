"""What a run cannot undo any more, the reconciler does; and it touches nothing else."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

import runtime.runs
import services.records
from messages.reconciliation import ReconciliationReport
from messages.requests import STEP_OF
from messages.sagas import SagaRolledBack, SagaStatus, SagaSucceeded, StepState
from runtime.schedule import ensure_reconciliation, schedule_id
from services.faults import Kind
from tests.harness.builders import an_order
from tests.harness.faults import (
    LAST_STEP_FAILS,
    REFUND_FAILS_ONCE,
    SHIPPING_IS_DOWN,
    delay,
    fault,
    permanent,
    transient,
)
from tests.harness.opening import OpenShop, examined
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_retrying, until_running
from tests.harness.reconciling import assert_nothing_left, begin, leftover_of, reconcile
from tests.harness.runs import closed_as, resolve
from tests.harness.server import in_real_time
from tests.harness.shop import Shop
from tests.harness.steps import COMPENSATION_OF, STEPS
from tests.harness.waiting import until
from workflows.orchestration.order_saga import OrderSaga

HOURS = 3600.0


each_step = pytest.mark.parametrize("step", STEPS)


async def until_listed(shop: Shop, saga_id: str, run_id: str) -> None:
    """Wait until Temporal lists the run as completed."""
    query = f'WorkflowId = "{saga_id}" AND ExecutionStatus = "Completed"'

    async def listed() -> bool:
        return any([run.run_id == run_id async for run in shop.client.list_workflows(query)])

    await until(listed)


async def until_stands(shop: Shop, order_id: str, *steps: str) -> None:
    async def stands() -> bool:
        return set(shop.standing(an_order(order_id))) == set(steps)

    await until(stands)


@each_step
async def test_terminated_before_a_steps_effect_keeps_the_late_action_out(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    late = delay(step, seconds=1.5)
    async with open_shop(late) as shop:
        handle = await shop.place(order)
        await until_running(handle, step)
        await shop.terminate(handle)
        report = await reconcile(shop)
        before = STEPS[: STEPS.index(step)]
        assert [run.saga_id for run in report.listed] == [handle.id]
        assert list(report.listed[0].undone) == before[::-1]
        assert set(report.listed[0].kept_out) == set(STEPS) - set(before)
        assert shop.standing(order) == []
        await assert_nothing_left(shop)
    # The worker has waited for the late attempt.
    assert shop.standing(order) == []
    assert shop.effects(order) == len(before)


@each_step
async def test_terminated_after_a_steps_effect_whose_reply_is_on_its_way(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    slow = delay(step, seconds=1.0, when="after")
    async with open_shop(slow) as shop:
        handle = await shop.place(order)
        stand = STEPS[: STEPS.index(step) + 1]
        await until_stands(shop, order.order_id, *stand)
        await shop.terminate(handle)
        report = await reconcile(shop)
        assert list(report.listed[0].undone) == stand[::-1]
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


@each_step
@pytest.mark.parametrize("kind", ["transient", "lost_reply"])
async def test_terminated_while_a_step_waits_for_its_next_attempt(
    open_shop: OpenShop, policies_with: ChangePolicies, step: str, kind: Kind
) -> None:
    policies_with(pause=5 * HOURS, window=50 * HOURS)
    order = an_order(deadline_seconds=100 * 3600)
    async with open_shop(fault(kind, step)) as shop:
        handle = await shop.place(order)
        await until_retrying(handle, step)
        await shop.terminate(handle)
        assert (await reconcile(shop)).failed == 0
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_terminated_before_it_took_its_first_step(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order, skip_time=True)
        await shop.terminate(handle)
        async with shop.worker():
            report = await reconcile(shop)
            assert report.listed[0].undone == ()
            assert set(report.listed[0].kept_out) == set(STEPS)
            await assert_nothing_left(shop)


@each_step
async def test_terminated_while_a_step_is_being_undone(open_shop: OpenShop, step: str) -> None:
    order = an_order()
    slow = delay(COMPENSATION_OF[step], seconds=1.0)
    async with open_shop(LAST_STEP_FAILS, slow) as shop:
        handle = await shop.place(order)
        await until_running(handle, COMPENSATION_OF[step])
        await shop.terminate(handle)
        assert (await reconcile(shop)).failed == 0
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_a_run_that_timed_out(open_shop: OpenShop) -> None:
    order = an_order()
    slow = delay("prepare_shipping", seconds=3)
    async with open_shop(slow) as shop:
        async with in_real_time(shop.env):
            handle = await shop.client.start_workflow(
                OrderSaga.run,
                order,
                id=f"order_saga_{order.order_id}",
                task_queue=shop.settings.task_queue,
                execution_timeout=timedelta(seconds=1),
            )

        async def timed_out() -> bool:
            return await closed_as(handle) is WorkflowExecutionStatus.TIMED_OUT

        await until(timed_out)
        assert (await reconcile(shop)).undone == 2
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_terminated_while_it_waits_for_an_operator(open_shop: OpenShop) -> None:
    order = an_order()
    broken = permanent("refund_payment", times=2)
    async with open_shop(LAST_STEP_FAILS, broken) as shop:
        handle = await shop.place(order, skip_time=True)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await shop.terminate(handle)
        failing = await reconcile(shop)
        assert failing.failed == 1
        assert "PermanentFailure" in failing.listed[0].failed["process_payment"]
        assert shop.standing(order) == ["process_payment"]
        leftover = leftover_of(shop, handle)
        assert "leftover/" in (await reconcile(shop)).listed[0].failed["process_payment"]
        await resolve(leftover, "retry")
        assert (await leftover.result()).undone == ("process_payment",)
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_what_cannot_be_undone_is_parked_and_stops_nothing_else(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN, REFUND_FAILS_ONCE) as shop:
        handle = await shop.place(order)
        await until_retrying(handle, "prepare_shipping")
        await shop.terminate(handle)
        report = await reconcile(shop)
        assert (report.orders, report.failed) == (1, 1)
        assert shop.standing(order) == ["process_payment"]
        leftover = leftover_of(shop, handle)
        await shop.until_listed_as(leftover, SagaStatus.NEEDS_INTERVENTION)
        await resolve(leftover, "mark_resolved")
        assert (await leftover.result()).resolved_manually == ("process_payment",)
        await assert_nothing_left(shop)


async def test_what_an_operator_undid_by_hand_is_not_undone_again(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(LAST_STEP_FAILS, REFUND_FAILS_ONCE) as shop:
        handle = await shop.place(order, skip_time=True)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await resolve(handle, "mark_resolved")
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == ("process_payment",)
        await assert_nothing_left(shop)
        assert shop.standing(order) == []


async def test_what_an_operator_undid_by_hand_before_the_run_was_terminated(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    broken = [permanent(operation, times=1) for operation in ("refund_payment", "cancel_shipment")]
    async with open_shop(LAST_STEP_FAILS, *broken) as shop:
        handle = await shop.place(order, skip_time=True)
        for step in ("process_payment", "prepare_shipping"):
            await shop.until_step(handle, step, StepState.NEEDS_INTERVENTION)
        await resolve(handle, "mark_resolved")
        await shop.terminate(handle)
        report = await reconcile(shop)
        assert list(report.listed[0].undone) == ["prepare_shipping"]
        assert "reversed" not in shop.states(order)["process_payment"]
        await assert_nothing_left(shop)


@pytest.fixture
def soon_quiet(policies_with: ChangePolicies) -> None:
    """Services count as quiet after a second."""
    policies_with(quiet=1)


@pytest.mark.usefixtures("soon_quiet")
async def test_a_deleted_run_that_was_half_done(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        handle = await shop.place(order)
        await until_retrying(handle, "prepare_shipping")
        await shop.delete(handle)
        report = await reconcile(shop)
        assert [run.ended for run in report.listed] == ["gone"]
        assert list(report.listed[0].undone) == ["process_payment", "reserve_inventory"]
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_a_deleted_run_of_which_every_effect_stands(open_shop: OpenShop) -> None:
    order = an_order()
    last = delay(STEPS[-1], seconds=1, when="after")
    async with open_shop(last) as shop:
        handle = await shop.place(order)
        await until_stands(shop, order.order_id, *STEPS)
        await shop.delete(handle)
        await assert_nothing_left(shop)
        assert shop.standing(order) == STEPS


async def test_a_run_that_temporal_does_not_know_is_left_alone_until_it_is_quiet(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        handle = await shop.place(order)
        await until_retrying(handle, "prepare_shipping")
        await shop.delete(handle)
        reconciler = await begin(shop)

        async def pauses() -> bool:
            events = (await reconciler.fetch_history()).events
            return any(e.HasField("timer_started_event_attributes") for e in events)

        await until(pauses)
        assert shop.standing(order) == ["reserve_inventory", "process_payment"]
        await reconciler.terminate()
        policies_with(quiet=1)
        assert (await reconcile(shop)).undone == 2


async def test_an_open_run_is_not_touched(open_shop: OpenShop) -> None:
    order = an_order()
    slow = delay("prepare_shipping", seconds=1.0)
    async with open_shop(slow) as shop:
        handle = await shop.place(order)
        await until_running(handle, "prepare_shipping")
        await assert_nothing_left(shop)
        await shop.succeeds(handle)
        assert shop.standing(order) == STEPS


async def test_finished_runs_are_not_touched(open_shop: OpenShop) -> None:
    good, bad = an_order(), an_order(user_id="user_broke")
    async with open_shop() as shop:
        assert isinstance(await shop.outcome_of(good), SagaSucceeded)
        assert isinstance(await shop.outcome_of(bad), SagaRolledBack)
        before = shop.operations()
        await assert_nothing_left(shop)
        assert shop.standing(good) == STEPS
        assert shop.operations() == before


async def test_a_run_that_a_reset_brought_back_is_not_touched(open_shop: OpenShop) -> None:
    order = an_order()
    slow = delay("prepare_shipping", seconds=0.5, times=1)
    async with open_shop(slow, worker=False) as shop:
        async with shop.worker():
            handle = await shop.place(order)
            await until_running(handle, "prepare_shipping")
        # Nobody decides any more: between the reset and the new run's first progress.
        async with in_real_time(shop.env):
            again = await shop.reset(handle)
        assert shop.standing(order) != []
        assert (await examined(shop, handle)).fact.status == "open"
        async with shop.worker():
            await assert_nothing_left(shop)
            await shop.succeeds(again)
            await assert_nothing_left(shop)
            assert shop.standing(order) == STEPS


@pytest.mark.parametrize("placed_again", [False, True])
@pytest.mark.parametrize("first_one_deleted", [False, True])
async def test_what_a_reset_has_made_of_a_run_counts_whatever_came_later(
    open_shop: OpenShop, policies_with: ChangePolicies, placed_again: bool, first_one_deleted: bool
) -> None:
    policies_with(pause=5 * HOURS, window=50 * HOURS)
    order = an_order(deadline_seconds=100 * 3600)
    waiting = transient("prepare_shipping", times=1)
    async with open_shop(waiting) as shop:
        handle = await shop.place(order)
        await until_retrying(handle, "prepare_shipping")
        async with in_real_time(shop.env):
            again = await shop.reset(handle)
        await shop.succeeds(again)
        await until_listed(shop, again.id, again.run_id or "")
        if first_one_deleted:
            first_one = shop.client.get_workflow_handle_for(
                OrderSaga.run, handle.id, run_id=handle.first_execution_run_id
            )
            await shop.delete(first_one)
        if placed_again:
            refused = await shop.outcome_of(order)
            assert isinstance(refused, SagaRolledBack)
            assert "OrderAlreadyPlaced" in refused.error
        found = await examined(shop, handle)
        assert found.fact.status == "succeeded"
        assert found.first_run_id == handle.first_execution_run_id
        await assert_nothing_left(shop)


async def test_a_run_that_was_reset_and_then_terminated(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    """Its keys are those of the first run, and the order was placed again in between."""
    policies_with(pause=5 * HOURS, window=50 * HOURS)
    order = an_order(deadline_seconds=100 * 3600)
    waiting = transient("prepare_shipping", times=2)
    async with open_shop(waiting) as shop:
        handle = await shop.place(order)
        await until_retrying(handle, "prepare_shipping")
        async with in_real_time(shop.env):
            again = await shop.reset(handle)
        await until_retrying(again, "prepare_shipping")
        await again.terminate("test")
        refused = await shop.outcome_of(order)
        assert isinstance(refused, SagaRolledBack)
        assert (handle.first_execution_run_id or "no run") in refused.error
        report = await reconcile(shop)
        assert [run.run_id for run in report.listed] == [handle.first_execution_run_id]
        assert list(report.listed[0].undone) == ["process_payment", "reserve_inventory"]
        assert isinstance(await shop.outcome_of(order), SagaSucceeded)
        assert shop.standing(order) == STEPS
        await assert_nothing_left(shop)


async def test_a_dry_run_lists_and_changes_nothing(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        handle = await shop.place(order)
        await until_retrying(handle, "prepare_shipping")
        await shop.terminate(handle)
        before = shop.operations()
        listed = await reconcile(shop, dry_run=True)
        assert (listed.dry_run, listed.orders) == (True, 1)
        assert shop.operations() == before
        assert shop.standing(order) == ["reserve_inventory", "process_payment"]
        done = await reconcile(shop)
        assert done.listed == listed.listed


async def test_two_reconcilers_at_once_and_one_ended_half_way_do_no_harm(
    open_shop: OpenShop,
) -> None:
    orders = [an_order() for _ in range(3)]
    slow = delay("refund_payment", seconds=0.5)
    async with open_shop(slow, SHIPPING_IS_DOWN) as shop:
        for order in orders:
            handle = await shop.place(order)
            await until_retrying(handle, "prepare_shipping")
            await shop.terminate(handle)
        first = await begin(shop)

        async def refunds() -> bool:
            with suppress(RPCError):
                pending = (await leftover.describe()).raw_description.pending_activities
                return any(activity.activity_type.name == "refund_payment" for activity in pending)
            return False

        leftover = leftover_of(shop, handle)
        await until(refunds)
        await first.terminate("test")
        await asyncio.gather(reconcile(shop), reconcile(shop))
        for order in orders:
            await until_stands(shop, order.order_id)
            assert shop.effects(order) == 2
        await assert_nothing_left(shop)


async def test_many_leftovers_are_found_page_by_page_and_in_run_after_run(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, policies_with: ChangePolicies
) -> None:
    monkeypatch.setattr(services.records, "_PAGE", 1)
    monkeypatch.setattr(runtime.runs, "_PAGE", 1)
    policies_with(reconciler_events=30)
    half_done, done, not_begun = ([an_order() for _ in range(2)] for _ in range(3))
    waiting = transient("prepare_shipping", orders=tuple([order.order_id for order in half_done]))
    async with open_shop(waiting, worker=False) as shop:
        for order in not_begun:
            await shop.terminate(await shop.place(order, skip_time=True))
        async with shop.worker():
            for order in done:
                assert isinstance(await shop.outcome_of(order), SagaSucceeded)
            for order in half_done:
                handle = await shop.place(order)
                await until_retrying(handle, "prepare_shipping")
                await shop.terminate(handle)
            reconciler = await begin(shop)
            report = await reconciler.result()
            assert isinstance(report, ReconciliationReport)
            assert report.orders == 4
            begun = shop.client.get_workflow_handle(
                reconciler.id, run_id=reconciler.first_execution_run_id
            )
            assert await closed_as(begun) is WorkflowExecutionStatus.CONTINUED_AS_NEW
            assert {run.order_id for run in report.listed} == {
                order.order_id for order in half_done + not_begun
            }
            assert all(shop.standing(order) == STEPS for order in done)
            await assert_nothing_left(shop)


async def test_the_schedule_reconciles_and_setting_it_up_again_changes_it(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        client, task_queue = shop.client, shop.settings.task_queue
        schedule = client.get_schedule_handle(schedule_id(task_queue))
        await ensure_reconciliation(client, task_queue, timedelta(hours=10))
        try:
            await schedule.pause(note="by an operator")
            for hours in (20, 20):
                await ensure_reconciliation(client, task_queue, timedelta(hours=hours))
                described = (await schedule.describe()).schedule
                assert [i.every for i in described.spec.intervals] == [timedelta(hours=hours)]
                assert described.state.paused
            handle = await shop.place(order)
            await until_retrying(handle, "prepare_shipping")
            await shop.terminate(handle)
            await schedule.trigger()
            await until_stands(shop, order.order_id)
        finally:
            await schedule.delete()


def test_the_ledgers_steps_are_those_of_the_saga() -> None:
    assert list(STEP_OF.values()) == STEPS
