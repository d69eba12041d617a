"""Earlier life of a choreographed order: effects of runs before a reset."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.deliveries import CarrierRef, CarrierState, Delivery
    from messages.events.order import OrderCancelled, OrderCreated
    from messages.ids import delivery_id, old_delivery_id
    from messages.participants import PARTICIPANTS

from workflows.choreography.account import Account
from workflows.choreography.carriers import look_at
from workflows.reconciliation import asking


async def confirm(account: Account, created: OrderCreated) -> None:
    """Turn the order back unless its effects still stand.

    This history says that every step succeeded. An earlier run may have undone steps after the
    reset point, or may have published ``OrderCancelled``.
    """
    if await _was_called_off(created):
        account.call_off("FAILED", "called off before it was reset", None)
        return
    for participant in PARTICIPANTS:
        try:
            known = await asking.operation(participant.service, created.saga_run_id)
        except asking.NoAnswer as why:
            account.call_off(
                "FAILED", f"cannot be confirmed after a reset: {why}", participant.step
            )
            return
        if known is None or known.state != "applied":
            why_not = f"{participant.step} does not stand any more after a reset"
            account.call_off("FAILED", why_not, participant.step)
            return


async def _was_called_off(created: OrderCreated) -> bool:
    """Tell whether ``OrderCancelled`` was sent to any service, which undoes its step then."""
    cancelled = OrderCancelled.after(created, workflow.now(), reason="")
    deliveries = [Delivery(event=cancelled, subscriber=p.service) for p in PARTICIPANTS]
    found = await look_at(
        [
            CarrierRef(workflow_id=name, fact=delivery.fact)
            for delivery in deliveries
            for name in (
                delivery_id(cancelled.id, delivery.subscriber),
                delivery_id(cancelled.id, delivery.subscriber, delivery.fact),
                old_delivery_id(cancelled.id, delivery.subscriber),
            )
        ]
    )
    return not {CarrierState.OPEN, CarrierState.PARKED, CarrierState.CLOSED}.isdisjoint(found)
