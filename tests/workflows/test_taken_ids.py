"""Workflows that somebody else started under a delivery's id do not count as that delivery."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle
from temporalio.common import RawValue
from temporalio.converter import PayloadConverter

from cli.modes import Mode
from messages.deliveries import Delivery
from messages.events.base import Event
from messages.events.inventory import InventoryReserved
from messages.events.order import OrderCancelled
from messages.ids import delivery_id, order_choreography_id
from messages.sagas import StepState
from tests.harness.builders import an_order
from tests.harness.deliveries import FORWARD, decide, deliver, delivery, view
from tests.harness.events import enveloped, told
from tests.harness.faults import delay, permanent
from tests.harness.opening import OpenShop
from tests.harness.placing import with_dead_letter
from tests.harness.runs import attempts_at_once, end, first_run
from tests.harness.server import in_real_time
from tests.harness.shop import Shop
from tests.harness.steps import STEPS


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


async def taken(shop: Shop, event: Event, kind: str, **changes: Any) -> WorkflowHandle[Any, Any]:
    """Start something under the id of the event's delivery to payment."""
    newer = event.model_copy(update={"version": 3})
    given = {
        "other content": Delivery(event=newer, subscriber="payment"),
        "other subscriber": Delivery(event=event, subscriber="nobody"),
        "unreadable": RawValue(PayloadConverter.default.to_payload(b"\x00\xff")),
        "other type": Delivery(event=event, subscriber="payment"),
        "other task queue": Delivery(event=event, subscriber="payment"),
        "much later": Delivery(event=event, subscriber="payment"),
    }[kind]
    queue = "nobody-polls-this" if kind == "other task queue" else shop.settings.task_queue
    async with in_real_time(shop.env):
        return await shop.client.start_workflow(
            "NobodyHostsThis" if kind == "other type" else "EventDelivery",
            given,
            id=delivery_id(event.id, "payment"),
            task_queue=queue,
            start_delay=timedelta(days=300) if kind == "much later" else None,
        )


KINDS = (
    "other content",
    "other subscriber",
    "unreadable",
    "other type",
    "other task queue",
    "much later",
)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_order_succeeds_although_the_id_of_a_delivery_is_taken(
    open_shop: OpenShop, kind: str
) -> None:
    order = an_order(deadline_seconds=60)
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order)
        event = enveloped(told(InventoryReserved, order, first_run(handle)))
        forged = await taken(shop, event, kind)
        async with shop.worker():
            await shop.succeeds(handle)
            assert shop.standing(order) == STEPS
            await end(forged)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_order_is_undone_although_the_id_of_a_delivery_is_taken(
    open_shop: OpenShop, kind: str
) -> None:
    order = an_order(user_id="user_closed")
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order)
        event = enveloped(told(OrderCancelled, order, first_run(handle)))
        forged = await taken(shop, event, kind)
        async with shop.worker():
            await shop.rolls_back(handle)
            assert shop.standing(order) == []
            await end(forged)


async def test_an_order_may_be_called_like_a_delivery_of_another_one(open_shop: OpenShop) -> None:
    victim = an_order()
    async with open_shop(worker=False) as shop:
        handle = await shop.place(victim)
        run = handle.first_execution_run_id
        others = [
            await shop.place(an_order(f"{victim.order_id}/{run}/{name}"))
            for name in FORWARD.values()
        ]
        async with shop.worker():
            for placed in (handle, *others):
                await shop.succeeds(placed)
            assert shop.standing(victim) == STEPS


def test_no_delivery_is_called_like_an_order() -> None:
    for order_id in ("x", "delivery/x", "/", "../delivery/x"):
        order = order_choreography_id(order_id)
        assert not order.startswith(("delivery/", "delivery-"))
        assert delivery_id(order, "payment").startswith("delivery/")


async def test_the_same_event_told_again_later_is_not_delivered_twice(open_shop: OpenShop) -> None:
    order = an_order()
    slow = permanent("process_payment", times=1)
    async with open_shop(slow) as shop:
        handle, letter = await with_dead_letter(shop, order, FORWARD["payment"])
        reserving = delivery(shop, handle, FORWARD["inventory"])
        created = (await view(reserving)).delivery.event
        for variant in ("while it is parked", "when it is done"):
            again = await deliver(shop, created, "inventory", variant)
            assert len((await again.result()).emitted) == 1
            if variant == "while it is parked":
                await decide(letter, "replay")
                await shop.succeeds(handle)
        for done, attempts in ((reserving, 1), (letter, 2)):
            history = await done.fetch_history()
            assert len(attempts_at_once(history.events)) == attempts


@pytest.mark.parametrize("sign", ["x", "ü", "語", "\U0001f600"])
async def test_an_event_of_any_name_wedges_nothing(open_shop: OpenShop, sign: str) -> None:
    """Temporal bounds ids in bytes; an event that can have no delivery is no event."""
    order = an_order()
    slow = delay("process_payment", seconds=0.5)
    async with open_shop(slow) as shop:
        handle = await shop.place(order)
        for length in (100, 400):
            odd = enveloped(told(InventoryReserved, order, first_run(handle)))
            fields = {**odd.model_dump(mode="json"), "type": sign * 100, "id": sign * length}
            await handle.signal("receive_event", fields)
        await shop.until_step(handle, "reserve_inventory", StepState.SUCCESS)
        await shop.succeeds(handle)
