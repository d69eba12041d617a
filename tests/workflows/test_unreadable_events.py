"""An event that cannot be read, by a service or by its order: parked, and harmless."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cli.modes import Mode
from messages.deliveries import DeliveryState
from messages.events.inventory import InventoryReleased, InventoryReserved
from messages.events.loyalty import LoyaltyPointsAwarded
from messages.events.payment import PaymentSucceeded
from messages.ids import delivery_id
from messages.sagas import StepState
from tests.harness.builders import an_order
from tests.harness.deliveries import (
    BACKWARD,
    FORWARD,
    decide,
    deliver,
    delivery,
    until_listed,
    until_parked,
    view,
)
from tests.harness.events import enveloped, told
from tests.harness.faults import delay, permanent
from tests.harness.opening import OpenShop
from tests.harness.progress import until_under_way
from tests.harness.runs import first_run
from tests.harness.steps import STEPS
from workflows.choreography.delivery import EventDelivery
from workflows.choreography.order_choreography import OrderChoreography


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


Change = Callable[[dict[str, Any]], object]


UNREADABLE: dict[str, tuple[Change, str]] = {
    "newer version": (lambda e: e.update(version=3), "version: input should be 1 or 2"),
    "missing fact": (lambda e: e.pop("transaction_id"), "transaction_id: field required"),
    "missing in the order": (lambda e: e["order"].pop("user_id"), "order.user_id: field required"),
    "unknown type": (lambda e: e.update(type="PaymentDoubled"), "not subscribe to PaymentDoubled"),
}


@pytest.mark.parametrize(("change", "said"), UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_an_event_that_cannot_be_read_is_parked_at_once_and_can_be_discarded(
    open_shop: OpenShop, change: Change, said: str
) -> None:
    order = an_order()
    async with open_shop() as shop:
        event = enveloped(told(PaymentSucceeded, order, "run_1"), change)
        letter = await deliver(shop, event, "shipping", "by-hand")
        assert said in str((await until_parked(letter)).error)
        await until_listed(shop, letter)
        await decide(letter, "replay")
        await until_parked(letter)
        await decide(letter, "discard", "nobody knows what this is")
        assert (await letter.result()).state is DeliveryState.DISCARDED
        assert shop.operations() == 0


async def test_fields_that_nobody_knows_yet_do_no_harm(open_shop: OpenShop) -> None:
    """A payment service that is a version ahead: its event says more, at every depth."""
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)

        def newer(fields: dict[str, Any]) -> None:
            fields["bank"] = {"name": "north"}
            fields["order"]["gift"] = True
            fields["order"]["items"][0]["colour"] = "red"

        run_id = first_run(handle)
        delivered = await deliver(
            shop, enveloped(told(PaymentSucceeded, order, run_id), newer), "shipping", "by-hand"
        )
        assert (await delivered.result()).state is DeliveryState.DELIVERED
        carried = (await view(delivered)).delivery.event.model_dump()
        assert carried["bank"] == {"name": "north"}
        assert carried["order"]["items"][0]["colour"] == "red"
        assert shop.effects(order) == 4


async def test_what_the_order_cannot_read_is_parked_with_the_order_as_its_subscriber(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    slow = delay("prepare_shipping", seconds=0.5)
    async with open_shop(slow) as shop:
        handle = await shop.place(order)
        run_id = first_run(handle)
        odd = enveloped(told(LoyaltyPointsAwarded, order, run_id), lambda e: e.update(type="Odd"))
        await handle.signal(OrderChoreography.receive_event, odd)
        letter = shop.client.get_workflow_handle_for(
            EventDelivery.run, delivery_id(odd.id, "order")
        )
        await until_parked(letter)
        await shop.succeeds(handle)
        await decide(letter, "discard")


async def test_an_order_does_not_wait_for_ever_for_a_word_that_it_shall_not_have(
    open_shop: OpenShop,
) -> None:
    """Of an undoing that was told in a way that the order cannot read."""
    order = an_order(user_id="user_closed")
    async with open_shop(permanent("release_inventory", times=1)) as shop:
        handle = await shop.place(order)
        await until_parked(delivery(shop, handle, BACKWARD["inventory"]))
        run_id = first_run(handle)
        newer = enveloped(told(InventoryReleased, order, run_id), lambda e: e.update(version=3))
        await handle.signal(OrderChoreography.receive_event, newer)
        letter = shop.client.get_workflow_handle_for(
            EventDelivery.run, delivery_id(newer.id, "order")
        )
        await until_parked(letter)
        await decide(letter, "discard", "the shelf was counted")
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == ("reserve_inventory",)
        # Nor does the service undo once more what was undone by hand.
        assert shop.decisions(order)["reserve_inventory"].note == "the shelf was counted"
        await decide(delivery(shop, handle, BACKWARD["inventory"]), "replay")
        await delivery(shop, handle, BACKWARD["inventory"]).result()
        assert "reserve_inventory" in shop.decisions(order)


async def test_a_parked_copy_of_what_was_delivered_long_ago_does_not_touch_the_order(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    slow = delay("award_loyalty_points", seconds=1.5)
    async with open_shop(slow) as shop:
        handle = await shop.place(order)
        await until_under_way(delivery(shop, handle, FORWARD["loyalty"]))
        run_id = first_run(handle)
        unreadable = enveloped(
            told(InventoryReserved, order, run_id), lambda e: e.pop("reservation_id")
        )
        letter = await deliver(shop, unreadable, "payment", "by-hand")
        await until_parked(letter)
        assert (await shop.status(handle)).steps[1].state is StepState.SUCCESS
        await decide(letter, "discard")
        assert (await letter.result()).state is DeliveryState.DISCARDED
        await shop.succeeds(handle)
        assert shop.standing(order) == STEPS
