"""A cancel that reaches a choreographed order among its events."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import WorkflowExecutionStatus

from cli.modes import Mode
from messages.events.loyalty import LoyaltyPointsAwarded
from tests.harness.builders import an_order
from tests.harness.cancelling import Cancel, assert_cancelled, assert_too_late, by_update, natively
from tests.harness.deliveries import BACKWARD, FORWARD, delivery, until_called
from tests.harness.events import enveloped, told
from tests.harness.faults import delay
from tests.harness.opening import OpenShop
from tests.harness.progress import until_begun, until_completed
from tests.harness.runs import closed_as, first_run
from tests.harness.steps import STEPS, UNDOS

both_ways = pytest.mark.parametrize("cancel", [by_update, natively])


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


@both_ways
async def test_while_no_service_has_heard_of_the_order_nothing_is_left_of_it(
    open_shop: OpenShop, cancel: Cancel
) -> None:
    """The services' workers are away: OrderCreated and OrderCancelled wait for them together.

    Some may act before they hear that the order was called off.
    """
    order = an_order()
    async with open_shop(worker=False) as shop:
        async with shop.deciding_worker():
            handle = await shop.place(order)
            await until_begun(delivery(shop, handle, FORWARD["inventory"]))
            await cancel(handle)
            await until_begun(delivery(shop, handle, BACKWARD["inventory"]))
        async with shop.worker():
            result = await assert_cancelled(shop, handle, cancel)
            assert result.failed_step == "reserve_inventory"
    assert shop.standing(order) == []


@both_ways
async def test_together_with_the_last_event_it_is_not_swallowed(
    open_shop: OpenShop, cancel: Cancel
) -> None:
    order = an_order()
    async with open_shop(delay("award_loyalty_points", seconds=0.8), worker=False) as shop:
        async with shop.acting_worker():
            async with shop.deciding_worker():
                handle = await shop.place(order)
                await until_called(shop, handle, "award_loyalty_points")
            asked = asyncio.ensure_future(cancel(handle))
            await until_completed(delivery(shop, handle, FORWARD["loyalty"]), activities=1)
            # As the delivery would tell it, while no worker decides.
            awarded = told(LoyaltyPointsAwarded, order, first_run(handle))
            await handle.signal("receive_event", enveloped(awarded))
        async with shop.worker():
            await asked
            result = await assert_cancelled(shop, handle, cancel)
            assert set(result.compensated_steps) == set(STEPS)
            assert shop.standing(order) == []


@pytest.mark.parametrize(
    ("undo", "cancel"), list(zip(UNDOS.values(), [by_update, natively] * 2, strict=True))
)
async def test_while_the_order_is_being_undone_it_changes_nothing(
    open_shop: OpenShop, undo: str, cancel: Cancel
) -> None:
    order = an_order(user_id="user_closed")
    async with open_shop(delay(undo, seconds=0.4)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, undo)
        await assert_too_late(handle, cancel)
        result = await shop.rolls_back(handle)
        assert (result.status, result.failed_step) == ("FAILED", "award_loyalty_points")
        assert set(result.compensated_steps) == set(STEPS[:-1])
        assert await closed_as(handle) is WorkflowExecutionStatus.FAILED
        assert shop.standing(order) == []
