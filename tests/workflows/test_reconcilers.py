"""Reconcilers themselves: dry, several at once, in many parts, and by schedule."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

import runs.examination
import services.records
from messages.reconciliation import ReconciliationReport
from messages.sagas import SagaSucceeded
from runs.schedule import ensure_reconciliation, schedule_id
from tests.harness.builders import an_order
from tests.harness.faults import (
    SHIPPING_IS_DOWN,
    delay,
    transient,
)
from tests.harness.opening import OpenShop
from tests.harness.placing import half_done, until_stands
from tests.harness.policies import ChangePolicies
from tests.harness.reconciling import assert_nothing_left, begin, leftover_of, reconcile
from tests.harness.runs import closed_as
from tests.harness.steps import STEPS
from tests.harness.waiting import until


async def test_a_dry_run_lists_and_changes_nothing(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        handle = await half_done(shop, order)
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
            handle = await half_done(shop, order)
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
            await until_stands(shop, order)
            assert shop.effects(order) == 2
        await assert_nothing_left(shop)


async def test_many_leftovers_are_found_page_by_page_and_in_run_after_run(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, policies_with: ChangePolicies
) -> None:
    monkeypatch.setattr(services.records, "_PAGE", 1)
    monkeypatch.setattr(runs.examination, "_PAGE", 1)
    policies_with(reconciler_events=30)
    halfway, done, not_begun = ([an_order() for _ in range(2)] for _ in range(3))
    waiting = transient("prepare_shipping", orders=tuple([order.order_id for order in halfway]))
    async with open_shop(waiting, worker=False) as shop:
        for order in not_begun:
            await shop.terminate(await shop.place(order, skip_time=True))
        async with shop.worker():
            for order in done:
                assert isinstance(await shop.outcome_of(order), SagaSucceeded)
            for order in halfway:
                handle = await half_done(shop, order)
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
                order.order_id for order in halfway + not_begun
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
            handle = await half_done(shop, order)
            await shop.terminate(handle)
            await schedule.trigger()
            await until_stands(shop, order)
        finally:
            await schedule.delete()
