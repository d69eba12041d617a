"""What a run cannot undo any more, the reconciler does; and it touches nothing else."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

import runs.examination
import services.records
from messages.ids import order_saga_id
from messages.participants import STEP_OF
from messages.reconciliation import Reconciled, ReconciliationReport
from messages.runs import RunRef
from messages.sagas import SagaRolledBack, SagaStatus, SagaSucceeded, StepState
from runs.schedule import ensure_reconciliation, schedule_id
from tests.harness import ledgers
from tests.harness.builders import an_order
from tests.harness.gates import Gates
from tests.harness.server import in_real_time
from tests.workflows.conftest import PATIENCE, OpenShop, Policies, Shop, until
from tests.workflows.reconciling import (
    NAMES,
    assert_nothing_left,
    begin,
    delete,
    leftover_of,
    reconcile,
    terminate,
)
from workflows import policies
from workflows.orchestration.order_saga import STEPS, OrderSaga
from workflows.reconciliation.undo_leftover import UndoLeftover

HOURS = 3600.0

COMPENSATIONS = {step.name: step.compensation.__name__ for step in STEPS}


async def decide(leftover: WorkflowHandle[UndoLeftover, Reconciled], action: str) -> None:
    """Have an operator decide on the payment."""
    decision = {"step": "process_payment", "operator": "ada", "note": "letter 4711"}
    await leftover.execute_update("resolve_compensation", {**decision, "action": action})


each_step = pytest.mark.parametrize("step", NAMES)

#: The last step fails in a way that leaves open what happened, so all four are undone.
LAST_STEP_FAILS = {"operations": [NAMES[-1]], "kind": "permanent", "when": "after", "rate": 1.0}


async def until_listed(shop: Shop, saga_id: str, run_id: str) -> None:
    """Wait until Temporal lists the run as completed."""
    query = f'WorkflowId = "{saga_id}" AND ExecutionStatus = "Completed"'

    async def listed() -> bool:
        return any([run.run_id == run_id async for run in shop.env.client.list_workflows(query)])

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
    gates = Gates()
    late = gates.close(order_saga_id(order.order_id), step)
    async with open_shop(worker=False) as shop:
        async with shop.gated_worker(gates):
            handle = await shop.start(order, skip_time=False)
            await asyncio.wait_for(late.reached.wait(), PATIENCE)
            await terminate(shop, handle)
            report = await reconcile(shop)
            before = NAMES[: NAMES.index(step)]
            assert [run.saga_id for run in report.listed] == [handle.id]
            assert list(report.listed[0].undone) == before[::-1]
            assert set(report.listed[0].kept_out) == set(NAMES) - set(before)
            assert shop.standing(order) == []
            await assert_nothing_left(shop)
        # The worker has let the late attempt go on, and waited for it.
        assert shop.standing(order) == []
        assert shop.effects(order) == len(before)


@each_step
async def test_terminated_after_a_steps_effect_whose_reply_is_on_its_way(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    slow = {"operations": [step], "kind": "delay", "when": "after", "seconds": 1.0, "rate": 1.0}
    async with open_shop(slow) as shop:
        handle = await shop.start(order, skip_time=False)
        stand = NAMES[: NAMES.index(step) + 1]
        await until_stands(shop, order.order_id, *stand)
        await terminate(shop, handle)
        report = await reconcile(shop)
        assert list(report.listed[0].undone) == stand[::-1]
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


@each_step
@pytest.mark.parametrize("fault", ["transient", "lost_reply"])
async def test_terminated_while_a_step_waits_for_its_next_attempt(
    open_shop: OpenShop, policies_with: Policies, step: str, fault: str
) -> None:
    policies_with(pause=5 * HOURS, window=50 * HOURS)
    order = an_order(deadline_seconds=100 * 3600)
    async with open_shop({"operations": [step], "kind": fault, "rate": 1.0}) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, step, running=False)
        await terminate(shop, handle)
        assert (await reconcile(shop)).failed == 0
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_terminated_before_it_took_its_first_step(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop:
        handle = await shop.start(order)
        await terminate(shop, handle)
        async with shop.new_worker():
            report = await reconcile(shop)
            assert report.listed[0].undone == ()
            assert set(report.listed[0].kept_out) == set(NAMES)
            await assert_nothing_left(shop)


@each_step
async def test_terminated_while_a_step_is_being_undone(open_shop: OpenShop, step: str) -> None:
    order = an_order()
    slow = {"operations": [COMPENSATIONS[step]], "kind": "delay", "seconds": 1.0, "rate": 1.0}
    async with open_shop(LAST_STEP_FAILS, slow) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, COMPENSATIONS[step], running=True)
        await terminate(shop, handle)
        assert (await reconcile(shop)).failed == 0
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_a_run_that_timed_out(open_shop: OpenShop) -> None:
    order = an_order()
    slow = {"operations": ["prepare_shipping"], "kind": "delay", "seconds": 3, "rate": 1.0}
    async with open_shop(slow) as shop:
        async with in_real_time(shop.env):
            handle = await shop.env.client.start_workflow(
                OrderSaga.run,
                order,
                id=f"order_saga_{order.order_id}",
                task_queue=shop.settings.task_queue,
                execution_timeout=timedelta(seconds=1),
            )

        async def timed_out() -> bool:
            return await shop.closed_as(handle) is WorkflowExecutionStatus.TIMED_OUT

        await until(timed_out)
        assert (await reconcile(shop)).undone == 2
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_terminated_while_it_waits_for_an_operator(open_shop: OpenShop) -> None:
    order = an_order()
    broken = {"operations": ["refund_payment"], "kind": "permanent", "count": 2}
    async with open_shop(LAST_STEP_FAILS, broken) as shop:
        handle = await shop.start(order)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await terminate(shop, handle)
        failing = await reconcile(shop)
        assert failing.failed == 1
        assert "PermanentFailure" in failing.listed[0].failed["process_payment"]
        assert shop.standing(order) == ["process_payment"]
        leftover = leftover_of(shop, handle)
        assert "leftover/" in (await reconcile(shop)).listed[0].failed["process_payment"]
        await decide(leftover, "retry")
        assert (await leftover.result()).undone == ("process_payment",)
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_what_cannot_be_undone_is_parked_and_stops_nothing_else(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "rate": 1.0}
    broken = {"operations": ["refund_payment"], "kind": "permanent", "count": 1}
    async with open_shop(waiting, broken) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, "prepare_shipping", running=False)
        await terminate(shop, handle)
        report = await reconcile(shop)
        assert (report.orders, report.failed) == (1, 1)
        assert shop.standing(order) == ["process_payment"]
        leftover = leftover_of(shop, handle)
        await shop.until_listed_as(leftover, SagaStatus.NEEDS_INTERVENTION)
        await decide(leftover, "mark_resolved")
        assert (await leftover.result()).resolved_manually == ("process_payment",)
        await assert_nothing_left(shop)


async def test_what_an_operator_undid_by_hand_is_not_undone_again(open_shop: OpenShop) -> None:
    order = an_order()
    broken = {"operations": ["refund_payment"], "kind": "permanent", "count": 1}
    by_hand = {"step": "process_payment", "operator": "ada", "note": "letter 4711"}
    async with open_shop(LAST_STEP_FAILS, broken) as shop:
        handle = await shop.start(order)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await handle.execute_update("resolve_compensation", {**by_hand, "action": "mark_resolved"})
        result = await shop.outcome(handle)
        assert isinstance(result, SagaRolledBack)
        assert result.resolved_manually == ("process_payment",)
        await assert_nothing_left(shop)
        assert shop.standing(order) == []


async def test_what_an_operator_undid_by_hand_before_the_run_was_terminated(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    broken = [
        {"operations": [operation], "kind": "permanent", "count": 1}
        for operation in ("refund_payment", "cancel_shipment")
    ]
    by_hand = {"step": "process_payment", "operator": "ada", "note": "letter 4711"}
    async with open_shop(LAST_STEP_FAILS, *broken) as shop:
        handle = await shop.start(order)
        for step in ("process_payment", "prepare_shipping"):
            await shop.until_step(handle, step, StepState.NEEDS_INTERVENTION)
        await handle.execute_update("resolve_compensation", {**by_hand, "action": "mark_resolved"})
        await terminate(shop, handle)
        report = await reconcile(shop)
        assert list(report.listed[0].undone) == ["prepare_shipping"]
        assert "reversed" not in ledgers.states(shop.settings, order.order_id)["process_payment"]
        await assert_nothing_left(shop)


@pytest.fixture
def soon_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services count as quiet after a second."""
    monkeypatch.setattr(policies, "QUIET", timedelta(seconds=1))


@pytest.mark.usefixtures("soon_quiet")
async def test_a_deleted_run_that_was_half_done(open_shop: OpenShop) -> None:
    order = an_order()
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "rate": 1.0}
    async with open_shop(waiting) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, "prepare_shipping", running=False)
        await delete(shop, handle)
        report = await reconcile(shop)
        assert [run.ended for run in report.listed] == ["gone"]
        assert list(report.listed[0].undone) == ["process_payment", "reserve_inventory"]
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_a_deleted_run_of_which_every_effect_stands(open_shop: OpenShop) -> None:
    order = an_order()
    last = {"operations": [NAMES[-1]], "kind": "delay", "when": "after", "seconds": 1, "rate": 1.0}
    async with open_shop(last) as shop:
        handle = await shop.start(order, skip_time=False)
        await until_stands(shop, order.order_id, *NAMES)
        await delete(shop, handle)
        await assert_nothing_left(shop)
        assert shop.standing(order) == NAMES


async def test_a_run_that_temporal_does_not_know_is_left_alone_until_it_is_quiet(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = an_order()
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "rate": 1.0}
    async with open_shop(waiting) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, "prepare_shipping", running=False)
        await delete(shop, handle)
        reconciler = await begin(shop)

        async def pauses() -> bool:
            events = (await reconciler.fetch_history()).events
            return any(e.HasField("timer_started_event_attributes") for e in events)

        await until(pauses)
        assert shop.standing(order) == ["reserve_inventory", "process_payment"]
        await reconciler.terminate()
        monkeypatch.setattr(policies, "QUIET", timedelta(seconds=1))
        assert (await reconcile(shop)).undone == 2


async def test_an_open_run_is_not_touched(open_shop: OpenShop) -> None:
    order = an_order()
    slow = {"operations": ["prepare_shipping"], "kind": "delay", "seconds": 1.0, "rate": 1.0}
    async with open_shop(slow) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, "prepare_shipping", running=True)
        await assert_nothing_left(shop)
        assert isinstance(await shop.outcome(handle), SagaSucceeded)
        assert shop.standing(order) == NAMES


async def test_finished_runs_are_not_touched(open_shop: OpenShop) -> None:
    good, bad = an_order(), an_order(user_id="user_broke")
    async with open_shop() as shop:
        assert isinstance(await shop.place(good), SagaSucceeded)
        assert isinstance(await shop.place(bad), SagaRolledBack)
        before = shop.operations()
        await assert_nothing_left(shop)
        assert shop.standing(good) == NAMES
        assert shop.operations() == before


async def test_a_run_that_a_reset_brought_back_is_not_touched(open_shop: OpenShop) -> None:
    order = an_order()
    slow = {"operations": ["prepare_shipping"], "kind": "delay", "seconds": 0.5, "count": 1}
    async with open_shop(slow, worker=False) as shop:
        async with shop.new_worker():
            handle = await shop.start(order, skip_time=False)
            await shop.until_attempt(handle, "prepare_shipping", running=True)
        # Nobody decides any more: between the reset and the new run's first progress.
        async with in_real_time(shop.env):
            again = await shop.reset_to_its_first_task(handle)
        assert shop.standing(order) != []
        ended = RunRef(handle.id, handle.first_execution_run_id or "")
        assert (await shop.examined(ended)).fact.status == "open"
        async with shop.new_worker():
            await assert_nothing_left(shop)
            assert isinstance(await shop.outcome(again), SagaSucceeded)
            await assert_nothing_left(shop)
            assert shop.standing(order) == NAMES


@pytest.mark.parametrize("placed_again", [False, True])
@pytest.mark.parametrize("first_one_deleted", [False, True])
async def test_what_a_reset_has_made_of_a_run_counts_whatever_came_later(
    open_shop: OpenShop, policies_with: Policies, placed_again: bool, first_one_deleted: bool
) -> None:
    policies_with(pause=5 * HOURS, window=50 * HOURS)
    order = an_order(deadline_seconds=100 * 3600)
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "count": 1}
    async with open_shop(waiting) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, "prepare_shipping", running=False)
        async with in_real_time(shop.env):
            again = await shop.reset_to_its_first_task(handle)
        assert isinstance(await shop.outcome(again), SagaSucceeded)
        await until_listed(shop, again.id, again.run_id or "")
        if first_one_deleted:
            first_one = shop.env.client.get_workflow_handle_for(
                OrderSaga.run, handle.id, run_id=handle.first_execution_run_id
            )
            await delete(shop, first_one)
        if placed_again:
            refused = await shop.place(order)
            assert isinstance(refused, SagaRolledBack)
            assert "OrderAlreadyPlaced" in refused.error
        examined = await shop.examined(RunRef(handle.id, handle.first_execution_run_id or ""))
        assert examined.fact.status == "succeeded"
        assert examined.first_run_id == handle.first_execution_run_id
        await assert_nothing_left(shop)


async def test_a_run_that_was_reset_and_then_terminated(
    open_shop: OpenShop, policies_with: Policies
) -> None:
    """Its keys are those of the first run, and the order was placed again in between."""
    policies_with(pause=5 * HOURS, window=50 * HOURS)
    order = an_order(deadline_seconds=100 * 3600)
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "count": 2}
    async with open_shop(waiting) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, "prepare_shipping", running=False)
        async with in_real_time(shop.env):
            again = await shop.reset_to_its_first_task(handle)
        await shop.until_attempt(again, "prepare_shipping", running=False)
        await again.terminate("test")
        refused = await shop.place(order)
        assert isinstance(refused, SagaRolledBack)
        assert (handle.first_execution_run_id or "no run") in refused.error
        report = await reconcile(shop)
        assert [run.run_id for run in report.listed] == [handle.first_execution_run_id]
        assert list(report.listed[0].undone) == ["process_payment", "reserve_inventory"]
        assert isinstance(await shop.place(order), SagaSucceeded)
        assert shop.standing(order) == NAMES
        await assert_nothing_left(shop)


async def test_a_dry_run_lists_and_changes_nothing(open_shop: OpenShop) -> None:
    order = an_order()
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "rate": 1.0}
    async with open_shop(waiting) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, "prepare_shipping", running=False)
        await terminate(shop, handle)
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
    slow = {"operations": ["refund_payment"], "kind": "delay", "seconds": 0.5, "rate": 1.0}
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "rate": 1.0}
    async with open_shop(slow, waiting) as shop:
        for order in orders:
            handle = await shop.start(order, skip_time=False)
            await shop.until_attempt(handle, "prepare_shipping", running=False)
            await terminate(shop, handle)
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
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.records, "_PAGE", 1)
    monkeypatch.setattr(runs.examination, "_PAGE", 1)
    monkeypatch.setattr(policies, "RECONCILER_EVENTS", 30)
    half_done, done, not_begun = ([an_order() for _ in range(2)] for _ in range(3))
    waiting = {
        "operations": ["prepare_shipping"],
        "kind": "transient",
        "rate": 1.0,
        "orders": [order.order_id for order in half_done],
    }
    async with open_shop(waiting, worker=False) as shop:
        for order in not_begun:
            await terminate(shop, await shop.start(order))
        async with shop.new_worker():
            for order in done:
                assert isinstance(await shop.place(order), SagaSucceeded)
            for order in half_done:
                handle = await shop.start(order, skip_time=False)
                await shop.until_attempt(handle, "prepare_shipping", running=False)
                await terminate(shop, handle)
            reconciler = await begin(shop)
            report = await reconciler.result()
            assert isinstance(report, ReconciliationReport)
            assert report.orders == 4
            begun = shop.env.client.get_workflow_handle(
                reconciler.id, run_id=reconciler.first_execution_run_id
            )
            assert (await begun.describe()).status is WorkflowExecutionStatus.CONTINUED_AS_NEW
            assert {run.order_id for run in report.listed} == {
                order.order_id for order in half_done + not_begun
            }
            assert all(shop.standing(order) == NAMES for order in done)
            await assert_nothing_left(shop)


async def test_the_schedule_reconciles_and_setting_it_up_again_changes_it(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "rate": 1.0}
    async with open_shop(waiting) as shop:
        client, task_queue = shop.env.client, shop.settings.task_queue
        schedule = client.get_schedule_handle(schedule_id(task_queue))
        await ensure_reconciliation(client, task_queue, timedelta(hours=10))
        try:
            await schedule.pause(note="by an operator")
            for hours in (20, 20):
                await ensure_reconciliation(client, task_queue, timedelta(hours=hours))
                described = (await schedule.describe()).schedule
                assert [i.every for i in described.spec.intervals] == [timedelta(hours=hours)]
                assert described.state.paused
            handle = await shop.start(order, skip_time=False)
            await shop.until_attempt(handle, "prepare_shipping", running=False)
            await terminate(shop, handle)
            await schedule.trigger()
            await until_stands(shop, order.order_id)
        finally:
            await schedule.delete()


def test_the_ledgers_steps_are_those_of_the_saga() -> None:
    assert list(STEP_OF.values()) == NAMES
