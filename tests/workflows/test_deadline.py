"""The deadline of the whole way forward."""

from __future__ import annotations

import asyncio

import pytest

from messages.sagas import SagaRolledBack
from tests.harness.builders import an_order
from tests.harness.faults import SHIPPING_REFUSES, transient
from tests.harness.opening import OpenShop
from tests.harness.policies import ChangePolicies
from tests.harness.steps import STEPS

HOUR = 3600


@pytest.mark.parametrize("fast_path", [False, True], ids=["regular", "fast path"])
@pytest.mark.parametrize("step", STEPS)
async def test_past_its_deadline_the_saga_compensates(
    open_shop: OpenShop, policies_with: ChangePolicies, step: str
) -> None:
    policies_with(window=100.0 * HOUR, pause=0.5 * HOUR)
    order = an_order(deadline_seconds=3 * HOUR)
    async with open_shop(transient(step)) as shop:
        handle = await shop.place(order, skip_time=True)
        result = await shop.rolls_back(handle)
        assert (result.status, result.failed_step) == ("FAILED", step)
        assert result.error.startswith("deadline passed")
        assert list(result.compensated_steps) == STEPS[: STEPS.index(step) + 1][::-1]
        assert shop.standing(order) == []
        view = await shop.status(handle)
        assert (view.deadline - view.started_at).total_seconds() == 3 * HOUR


async def test_the_deadline_bounds_the_saga_and_not_each_step(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    """Two steps that each need an hour do not fit into ninety minutes."""
    policies_with(window=100.0 * HOUR, pause=1.0 * HOUR)
    order = an_order(deadline_seconds=HOUR * 3 // 2)
    slow = [transient(name, times=1) for name in STEPS[:2]]
    async with open_shop(*slow) as shop:
        result = await shop.outcome_of(order)
        assert isinstance(result, SagaRolledBack)
        assert result.failed_step == STEPS[1]
        assert result.error.startswith("deadline passed")


async def test_compensation_may_take_longer_than_the_deadline(open_shop: OpenShop) -> None:
    order = an_order(deadline_seconds=60)
    outage = transient("refund_payment", times=16)
    async with open_shop(SHIPPING_REFUSES, outage) as shop:
        handle = await shop.place(order, skip_time=True)
        result = await shop.rolls_back(handle)
        assert result.compensated_steps == ("process_payment", "reserve_inventory")
        view = await shop.status(handle)
        undone_at = max(s.ended_at for s in view.steps if s.ended_at is not None)
        assert undone_at > view.deadline


async def test_without_a_wish_of_the_order_the_deadline_is_fifteen_minutes(
    open_shop: OpenShop,
) -> None:
    async with open_shop() as shop:
        handle = await shop.place(an_order(), skip_time=True)
        await shop.succeeds(handle)
        view = await shop.status(handle)
        assert (view.deadline - view.started_at).total_seconds() == 15 * 60


async def test_the_deadline_counts_from_the_placing_also_when_no_worker_was_there(
    open_shop: OpenShop,
) -> None:
    order = an_order(deadline_seconds=1)
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order)
        await asyncio.sleep(1.2)  # the time of the order itself
        async with shop.worker():
            result = await shop.rolls_back(handle)
            assert result.status == "FAILED"
            assert result.error.startswith("deadline passed")
            assert shop.standing(order) == []
            assert shop.operations() == 0
