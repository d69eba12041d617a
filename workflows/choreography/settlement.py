"""A decision against an undoing: it goes into the ledger of the service whose step it is about."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages import wire
    from messages.base import Identifier, Resolution, Reversal
    from messages.deliveries import Delivery
    from messages.events.order import OrderCancelled
    from messages.ids import OperationId, order_of_choreography
    from messages.participants import BY_SERVICE, PARTICIPANTS, Participant
    from messages.runs import RunRef
    from messages.settling import Settle

from workflows import policies
from workflows.choreography.subscriptions import ORDER
from workflows.reconciliation import asking
from workflows.replies import call

#: Of an order, all that Temporal may say while it is being called off, or when it has been.
_OFF = {"open", "rolled_back", "terminated"}
_TELLS_OF_UNDOING = {participant.undone.__name__: participant for participant in PARTICIPANTS}


def undoing_of(delivery: Delivery) -> Participant | None:
    """Return the service whose undoing, or whose word of it, is delivered; None if neither is."""
    if delivery.event.type == OrderCancelled.__name__:
        return BY_SERVICE.get(delivery.subscriber)
    if delivery.subscriber == ORDER.name:
        return _TELLS_OF_UNDOING.get(delivery.event.type)
    return None


async def settle(delivery: Delivery, by_hand: Resolution) -> None:
    """Have the service record that its part was undone by hand, with an undoing's patience.

    The event need not be readable: its envelope names the operation. Where it names no order,
    there is none whose operation it could be.

    Raises:
        FailureError: it could not be recorded.
        NoAnswer: nor could it be found out whether it should be.
        UnreadableReply: it may have been.
    """
    participant = undoing_of(delivery)
    order_id = _order_of(delivery.event.correlation_id)
    if participant is None or order_id is None or await _is_made_up(delivery):
        return
    event, policy = delivery.event, policies.UNDO_DELIVERY
    key = OperationId(event.correlation_id, event.saga_run_id, participant.step)
    await call(
        participant.settlement,
        Settle(idempotency_key=str(key), order_id=order_id, resolution=by_hand),
        reply=Reversal,
        attempt=policy.attempt,
        retry=policy.retry,
        service=participant.service,
        summary=f"records a decision on {participant.step}",
    )


async def _is_made_up(delivery: Delivery) -> bool:
    """Tell whether somebody else than the order said that it is off, while it may well stand.

    To discard that is no decision on what stands. That Temporal does not know the order is no
    evidence that it is off; what it has left behind is then for the reconciler to find.
    """
    event, parent = delivery.event, workflow.info().parent
    if parent is not None and parent.workflow_id == event.correlation_id:
        return False
    found = await asking.examined([RunRef(event.correlation_id, event.saga_run_id)])
    ended = {run.fact.status for run in found.runs}
    if "succeeded" in ended:
        return True
    return ended.isdisjoint(_OFF) and workflow.patched(wire.SETTLES_ON_EVIDENCE)


def _order_of(correlation_id: str) -> str | None:
    try:
        order_id: str = TypeAdapter(Identifier).validate_python(
            order_of_choreography(correlation_id)
        )
    except ValidationError:
        return None
    return order_id
