"""Deliveries terminated, repeated and forged through Temporal's own API: nothing is done twice."""

from __future__ import annotations

import pytest
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from cli.modes import Mode
from messages.deliveries import DeliveryState
from messages.events.base import OrderEvent
from messages.events.inventory import InventoryReserved
from messages.events.order import OrderCancelled, OrderCreated
from messages.events.payment import PaymentFailed, PaymentSucceeded
from messages.events.shipping import ShipmentPrepared
from tests.harness.builders import an_order
from tests.harness.deliveries import FORWARD, DeliveryHandle, deliver, delivery, until_parked
from tests.harness.events import TRIGGERS, enveloped, told
from tests.harness.faults import delay, lost_reply, refusal
from tests.harness.opening import OpenShop
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_retrying, until_under_way
from tests.harness.runs import first_run
from tests.harness.shop import Shop
from tests.harness.steps import STEPS
from workflows.choreography.order_choreography import OrderChoreography


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


async def begin(
    shop: Shop, event: OrderEvent, subscriber: str, variant: str = ""
) -> DeliveryHandle:
    """Begin a delivery as an outsider, unless there is one that is open or done."""
    once = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
    return await deliver(shop, enveloped(event), subscriber, variant, id_reuse_policy=once)


async def test_what_was_delivered_is_not_delivered_again_under_the_same_id(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        with pytest.raises(WorkflowAlreadyStartedError):
            await begin(shop, told(InventoryReserved, order, first_run(handle)), "payment")


async def test_what_a_repeated_cause_brings_about_again_is_not_delivered_again(
    open_shop: OpenShop,
) -> None:
    """The same by the product's own hand: a service answers once more what it has answered."""
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        done = delivery(shop, handle, FORWARD["payment"])
        await done.result()
        before = await done.describe()

        cause = told(OrderCreated, order, first_run(handle))
        repeated = await begin(shop, cause, "inventory", "again")
        event = told(InventoryReserved, order, first_run(handle))
        assert (await repeated.result()).emitted == (event.id,)

        assert (await done.describe()).run_id == before.run_id


async def test_delivered_again_under_other_ids_in_reverse_it_has_no_effect_twice(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        for service, trigger in reversed(list(TRIGGERS.items())):
            for copy in ("again", "and again"):
                event = told(trigger, order, first_run(handle))
                repeated = await begin(shop, event, service, copy)
                assert len((await repeated.result()).emitted) == 1
        assert shop.effects(order) == 4
        assert shop.standing(order) == STEPS


async def test_events_before_their_causes_and_each_twice_still_make_one_order(
    open_shop: OpenShop,
) -> None:
    """The services are told in reverse, before the order has told anybody anything."""
    order = an_order()
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order)
        for service, trigger in reversed(list(TRIGGERS.items())):
            event = told(trigger, order, first_run(handle))
            await begin(shop, event, service)
            await begin(shop, event, service, "again")
        async with shop.worker():
            await shop.succeeds(handle)
            assert shop.effects(order) == 4
            assert shop.standing(order) == STEPS


async def test_a_cancellation_that_overtakes_everything_keeps_it_all_out(
    open_shop: OpenShop,
) -> None:
    """Shipping hears that the order is off before anybody hears of the order."""
    order = an_order(deadline_seconds=2)
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order)
        await begin(shop, told(OrderCancelled, order, first_run(handle)), "shipping")
        async with shop.worker():
            result = await shop.rolls_back(handle)
            assert set(result.compensated_steps) == {"reserve_inventory", "process_payment"}
            assert shop.standing(order) == []
            assert shop.effects(order) == 2


async def test_an_event_that_the_order_hears_again_changes_nothing(open_shop: OpenShop) -> None:
    order = an_order()
    slow = delay("award_loyalty_points", seconds=0.8)
    async with open_shop(slow) as shop:
        handle = await shop.place(order)
        await until_under_way(delivery(shop, handle, FORWARD["loyalty"]))
        before = await shop.status(handle)
        for kind in (ShipmentPrepared, InventoryReserved, OrderCreated, OrderCancelled):
            for _ in range(2):
                again = enveloped(told(kind, order, first_run(handle)))
                await handle.signal(OrderChoreography.receive_event, again)
        assert await shop.status(handle) == before
        await shop.succeeds(handle)
        heard = [event.type for event in await handle.query(OrderChoreography.events)]
        assert len(heard) == len(set(heard)) == 5


async def test_what_is_told_of_an_earlier_attempt_does_not_concern_the_next_one(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    refused = refusal("process_payment", times=1)
    slow = delay("prepare_shipping", seconds=0.5)
    async with open_shop(refused, slow) as shop:
        first = await shop.place(order)
        await shop.rolls_back(first)
        second = await shop.place(order)
        await until_under_way(delivery(shop, second, FORWARD["shipping"]))
        late = told(PaymentFailed, order, first_run(first))
        await second.signal(OrderChoreography.receive_event, enveloped(late))
        # Redelivered to a service, what it answers is about the first attempt as well.
        copy = await begin(
            shop, told(PaymentSucceeded, order, first_run(first)), "shipping", "copy"
        )
        assert (await copy.result()).emitted == ()
        await shop.succeeds(second)
        assert shop.standing(order) == STEPS


async def test_a_terminated_delivery_may_be_begun_again(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    policies_with(pause=3600)
    order = an_order()
    lost = lost_reply("process_payment", times=2)
    async with open_shop(lost) as shop:
        handle = await shop.place(order)
        terminated = delivery(shop, handle, FORWARD["payment"])
        await until_retrying(terminated)
        await terminated.terminate()
        event = told(InventoryReserved, order, first_run(handle))
        again = await begin(shop, event, "payment")
        assert again.id == terminated.id
        assert (await again.result()).state is DeliveryState.DELIVERED
        await shop.succeeds(handle)
        assert shop.effects(order) == 4


async def test_a_word_to_the_order_that_is_cancelled_before_it_left_is_parked_and_not_lost(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop:
        word = await begin(shop, told(InventoryReserved, order, "run_1"), "order")
        await word.cancel()
        async with shop.worker():
            assert (await until_parked(word)).error == "interrupted"
            await word.terminate()
