"""Runs that go on, ended by themselves or were reset: the reconciler undoes nothing of them."""

from __future__ import annotations

import pytest

from messages.sagas import SagaRolledBack, SagaSucceeded
from tests.harness.builders import an_order
from tests.harness.faults import (
    delay,
    transient,
)
from tests.harness.opening import OpenShop, examined
from tests.harness.placing import half_done
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_retrying, until_running
from tests.harness.reconciling import assert_nothing_left, reconcile
from tests.harness.server import in_real_time
from tests.harness.shop import Shop
from tests.harness.steps import STEPS
from tests.harness.waiting import until

HOURS = 3600.0


async def until_listed(shop: Shop, saga_id: str, run_id: str) -> None:
    """Wait until Temporal lists the run as completed."""
    query = f'WorkflowId = "{saga_id}" AND ExecutionStatus = "Completed"'

    async def listed() -> bool:
        return any([run.run_id == run_id async for run in shop.client.list_workflows(query)])

    await until(listed)


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
        handle = await half_done(shop, order)
        async with in_real_time(shop.env):
            again = await shop.reset(handle)
        await shop.succeeds(again)
        await until_listed(shop, again.id, again.run_id or "")
        if first_one_deleted:
            await shop.delete(handle)
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
        handle = await half_done(shop, order)
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
