"""Every kind of run of the choreographed saga: of the order, and of its deliveries.

What several services tell an order arrives in any order, so such histories are replayed, but not
compared with what is recorded anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Literal

from activities.payment import PaymentActivities
from messages.deliveries import Delivery
from messages.ids import delivery_id
from messages.sagas import CancelOrder, SagaStatus, StepState
from tests.harness.server import in_real_time
from tests.replay.studio import (
    REFUND_FAILS_ONCE,
    SHIPPING_REFUSED,
    Fault,
    Play,
    Scenario,
    Studio,
    fault,
)
from tests.workflows.conftest import PATIENCE, ChoreographyHandle
from tests.workflows.deliveries import (
    ACTIONS,
    BACKWARD,
    FORWARD,
    DeliveryHandle,
    carried,
    decide,
    delivery,
    until_parked,
    until_retrying,
)
from workflows import policies
from workflows.choreography.delivery import EventDelivery

Decision = Literal["replay", "discard"]

#: What the payment service does when the items are there.
CHARGES = PaymentActivities.payment_on_inventory_reserved.__name__
#: The payment breaks once, so that the event for it becomes a dead letter.
PAYMENT_BREAKS = fault("permanent", "process_payment", count=1)
#: … and an undoing that does.
REFUND_BREAKS = (SHIPPING_REFUSED, REFUND_FAILS_ONCE)


async def undisturbed(studio: Studio) -> ChoreographyHandle:
    order = await studio.create()
    await studio.shop.outcome(order)
    return order


async def past_its_deadline(studio: Studio) -> ChoreographyHandle:
    gate = studio.hold_reaction(CHARGES)
    order = await studio.until_late(gate, studio.create)
    gate.open.set()
    return order


def cancelled(natively: bool) -> Play:
    """The customer is being charged when the cancel comes."""

    async def play(studio: Studio) -> ChoreographyHandle:
        gate = studio.hold_reaction(CHARGES)
        order = await studio.create()
        await asyncio.wait_for(gate.reached.wait(), PATIENCE)
        await studio.shop.until_step(order, "reserve_inventory", StepState.SUCCESS)
        if natively:
            await order.cancel()
        else:
            await order.execute_update("cancel_order", CancelOrder(reason="changed my mind"))
        await studio.shop.outcome(order)
        gate.open.set()
        return order

    return play


def parked(letter: str, decision: Decision | None, *, of_order: bool) -> Play:
    """An event cannot be delivered; an operator decides, or has not yet."""

    async def play(studio: Studio) -> ChoreographyHandle | DeliveryHandle:
        order = await studio.create()
        dead = delivery(studio.shop, order, letter)
        await until_parked(dead)
        await studio.shop.until_status(order, SagaStatus.NEEDS_INTERVENTION)
        if decision is not None:
            await decide(dead, decision)
            await studio.shop.outcome(order)
            await dead.result()
        return order if of_order else dead

    return play


def lost(letter: str) -> Play:
    """A parked delivery is terminated; the order looks after it, once for news and once for it."""

    async def play(studio: Studio) -> ChoreographyHandle:
        order = await studio.create()
        dead = delivery(studio.shop, order, letter)
        await until_parked(dead)
        await studio.shop.until_status(order, SagaStatus.NEEDS_INTERVENTION)
        await dead.terminate()
        pause = policies.FOLLOW_UP_AFTER.total_seconds()
        await studio.shop.outcome_after(order, 2 * pause + 1)
        return order

    return play


def delivered(name: str) -> Play:
    """One of the deliveries of an order that comes to an end."""

    async def play(studio: Studio) -> DeliveryHandle:
        order = await studio.create()
        await studio.shop.outcome(order)
        done = delivery(studio.shop, order, name)
        await done.result()
        return done

    return play


async def cancelled_delivery(studio: Studio) -> DeliveryHandle:
    order = await studio.create()
    trying = delivery(studio.shop, order, FORWARD["payment"])
    await until_retrying(trying)
    await trying.cancel()
    await until_parked(trying)
    await order.execute_update("cancel_order", CancelOrder(reason="changed my mind"))
    await studio.shop.outcome(order)
    return trying


async def unknown_event(studio: Studio) -> DeliveryHandle:
    order = await undisturbed(studio)
    known = await carried(delivery(studio.shop, order, FORWARD["payment"]))
    unheard_of = known.model_copy(update={"type": "GiftWrapped", "id": f"{known.id}-wrapped"})
    async with in_real_time(studio.shop.env):
        strange = await studio.shop.env.client.start_workflow(
            EventDelivery.run,
            Delivery(event=unheard_of, subscriber="payment"),
            id=delivery_id(unheard_of.id, "payment"),
            task_queue=studio.shop.settings.task_queue,
        )
    await until_parked(strange)
    return strange


def choreographed() -> Iterator[Scenario]:
    """Orders, and deliveries of their events."""

    def order(name: str, ends: str, play: Play, *faults: Fault) -> Scenario:
        # Its name is its order's id, which no scenario of another kind may have.
        return Scenario(f"told_{name}", "OrderChoreography", ends, faults, play, orderly=False)

    def event(name: str, ends: str, play: Play, *faults: Fault) -> Scenario:
        return Scenario(f"sent_{name}", "EventDelivery", ends, faults, play, orderly=False)

    yield order("success", "COMPLETED", undisturbed)
    for service, action in ACTIONS.items():
        yield order(f"refused_by_{service}", "FAILED", undisturbed, fault("refusal", action))
    yield order("late", "FAILED", past_its_deadline)
    yield order("cancelled_by_update", "FAILED", cancelled(natively=False))
    yield order("cancelled_natively", "CANCELED", cancelled(natively=True))

    ahead, back = FORWARD["payment"], BACKWARD["payment"]
    decisions: tuple[Decision | None, ...] = (None, "replay", "discard")
    for of_order, kind in ((True, order), (False, event)):
        for decision in decisions:
            done = {None: "parked", "replay": "replayed", "discard": "discarded"}[decision]
            went_on = decision == "replay" or not of_order
            ends = "RUNNING" if decision is None else "COMPLETED" if went_on else "FAILED"
            yield kind(done, ends, parked(ahead, decision, of_order=of_order), PAYMENT_BREAKS)
            undone = "FAILED" if of_order else "COMPLETED"
            ends = "RUNNING" if decision is None else undone
            play = parked(back, decision, of_order=of_order)
            yield kind(f"undo_{done}", ends, play, *REFUND_BREAKS)

    yield order("lost", "COMPLETED", lost(ahead), PAYMENT_BREAKS)
    yield order("undo_lost", "FAILED", lost(back), *REFUND_BREAKS)

    yield event("delivered", "COMPLETED", delivered(ahead))
    tries = fault("transient", "process_payment", count=3)
    yield event("retried", "COMPLETED", delivered(ahead), tries)
    yield event("answered_no", "COMPLETED", delivered(ahead), fault("refusal", "process_payment"))
    yield event("undone", "COMPLETED", delivered(back), SHIPPING_REFUSED)
    never = fault("transient", "process_payment")
    yield event("cancelled", "RUNNING", cancelled_delivery, never)
    yield event("unknown", "RUNNING", unknown_event)
