"""Every kind of run of the choreographed saga: of the order, and of its deliveries.

What several services tell an order arrives in any order, so such histories are replayed, but not
compared with what is recorded anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from activities.payment import PaymentActivities
from messages.sagas import SagaStatus, StepState
from services.faults import Fault
from tests.harness.cancelling import Cancel, by_update, natively
from tests.harness.deliveries import (
    BACKWARD,
    FORWARD,
    DeliveryHandle,
    carried,
    decide,
    deliver,
    delivery,
    until_parked,
)
from tests.harness.faults import REFUND_FAILS_ONCE, SHIPPING_REFUSES, permanent, refusal, transient
from tests.harness.progress import until_retrying
from tests.harness.shop import Handle
from tests.harness.steps import ACTIONS
from tests.replay.recording import Play, Recording, Scenario
from workflows import policies

Decision = Literal["replay", "discard"]

#: What the payment service does when the items are there.
CHARGES = PaymentActivities.payment_on_inventory_reserved.__name__
#: The payment breaks once, so that the event for it becomes a dead letter.
PAYMENT_BREAKS = permanent("process_payment", times=1)
#: … and an undoing that does.
REFUND_BREAKS = (SHIPPING_REFUSES, REFUND_FAILS_ONCE)


async def undisturbed(recording: Recording) -> Handle:
    order = await recording.place()
    await recording.shop.outcome(order)
    return order


async def past_its_deadline(recording: Recording) -> Handle:
    gate = recording.hold(CHARGES)
    order = await recording.place_too_late(gate)
    gate.open.set()
    return order


def cancelled(cancel: Cancel) -> Play:
    """Cancel while the customer is being charged."""

    async def play(recording: Recording) -> Handle:
        gate = recording.hold(CHARGES)
        order = await recording.place()
        await gate.until_reached()
        await recording.shop.until_step(order, "reserve_inventory", StepState.SUCCESS)
        await cancel(order)
        await recording.shop.outcome(order)
        gate.open.set()
        return order

    return play


def parked(letter: str, decision: Decision | None, *, of_order: bool) -> Play:
    """Park an event that cannot be delivered; an operator decides, or has not yet."""

    async def play(recording: Recording) -> Handle | DeliveryHandle:
        order = await recording.place()
        dead = delivery(recording.shop, order, letter)
        await until_parked(dead)
        await recording.shop.until_status(order, SagaStatus.NEEDS_INTERVENTION)
        if decision is not None:
            await decide(dead, decision)
            await recording.shop.outcome(order)
            await dead.result()
        return order if of_order else dead

    return play


def lost(letter: str) -> Play:
    """Terminate a parked delivery; the order looks for news of it, and then starts it again."""

    async def play(recording: Recording) -> Handle:
        order = await recording.place()
        dead = delivery(recording.shop, order, letter)
        await until_parked(dead)
        await recording.shop.until_status(order, SagaStatus.NEEDS_INTERVENTION)
        await dead.terminate()
        pause = policies.FOLLOW_UP_AFTER.total_seconds()
        await recording.shop.outcome_after(order, 2 * pause + 1)
        return order

    return play


def delivered(name: str) -> Play:
    """One of the deliveries of an order that comes to an end."""

    async def play(recording: Recording) -> DeliveryHandle:
        order = await recording.place()
        await recording.shop.outcome(order)
        done = delivery(recording.shop, order, name)
        await done.result()
        return done

    return play


async def cancelled_delivery(recording: Recording) -> DeliveryHandle:
    order = await recording.place()
    trying = delivery(recording.shop, order, FORWARD["payment"])
    await until_retrying(trying)
    await trying.cancel()
    await until_parked(trying)
    await by_update(order)
    await recording.shop.outcome(order)
    return trying


async def unknown_event(recording: Recording) -> DeliveryHandle:
    order = await undisturbed(recording)
    known = await carried(delivery(recording.shop, order, FORWARD["payment"]))
    unheard_of = known.model_copy(update={"type": "GiftWrapped", "id": f"{known.id}-wrapped"})
    strange = await deliver(recording.shop, unheard_of, "payment")
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
        yield order(f"refused_by_{service}", "FAILED", undisturbed, refusal(action))
    yield order("late", "FAILED", past_its_deadline)
    yield order("cancelled_by_update", "FAILED", cancelled(by_update))
    yield order("cancelled_natively", "CANCELED", cancelled(natively))

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
    tries = transient("process_payment", times=3)
    yield event("retried", "COMPLETED", delivered(ahead), tries)
    yield event("answered_no", "COMPLETED", delivered(ahead), refusal("process_payment"))
    yield event("undone", "COMPLETED", delivered(back), SHIPPING_REFUSES)
    never = transient("process_payment")
    yield event("cancelled", "RUNNING", cancelled_delivery, never)
    yield event("unknown", "RUNNING", unknown_event)
