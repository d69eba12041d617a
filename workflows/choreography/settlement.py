"""Settlement: an operator's decision to discard an undo, recorded in the service's ledger."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages import wire
    from messages.base import Identifier, Resolution, Reversal
    from messages.deliveries import Delivery
    from messages.events.base import Event
    from messages.events.order import OrderCancelled
    from messages.ids import OperationId, order_of_choreography
    from messages.participants import BY_SERVICE, PARTICIPANTS, Participant
    from messages.runs import RunRef
    from messages.settling import Settle

from workflows import policies
from workflows.choreography.subscriptions import ORDER
from workflows.reconciliation import asking
from workflows.replies import call

#: States of a run in Temporal that are possible after its order was called off.
_CALLED_OFF = {"open", "rolled_back", "terminated"}
_BY_UNDONE_EVENT = {participant.undone.__name__: participant for participant in PARTICIPANTS}


def undoing_of(delivery: Delivery) -> Participant | None:
    """Return the service that this delivery asks for an undo, or whose undo it reports, if any."""
    if delivery.event.type == OrderCancelled.__name__:
        return BY_SERVICE.get(delivery.subscriber)
    if delivery.subscriber == ORDER.name:
        return _BY_UNDONE_EVENT.get(delivery.event.type)
    return None


async def settle(delivery: Delivery, by_hand: Resolution) -> None:
    """Record in the service's ledger that its step was undone by hand, retried like an undo.

    The payload of the event need not be readable, because the envelope names the operation. If
    the envelope names no order, there is no operation to record.

    Raises:
        FailureError: the decision could not be recorded.
        NoAnswer: Temporal could not be asked whether the order was called off.
        UnreadableReply: the reply cannot be read; the decision may have been recorded.
    """
    participant = undoing_of(delivery)
    order_id = _order_of(delivery.event.correlation_id)
    if participant is None or order_id is None or await _is_forged(delivery):
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


async def _is_forged(delivery: Delivery) -> bool:
    """Tell whether somebody else sent the event, and nothing shows that the order was called off.

    Discarding such an event must not settle the operation: its effect may be right. If Temporal
    does not know the run, the ledgers may show that it was called off. If they do not, the
    reconciler undoes nothing either before an operator has decided.
    """
    event, parent = delivery.event, workflow.info().parent
    if parent is not None and parent.workflow_id == event.correlation_id:
        return False
    found = await asking.examined([RunRef(event.correlation_id, event.saga_run_id)])
    ended = {run.fact.status for run in found.runs}
    if "succeeded" in ended:
        return True
    if not ended.isdisjoint(_CALLED_OFF) or not workflow.patched(wire.SETTLES_ON_EVIDENCE):
        return False
    return not await _is_undone_elsewhere(event)


async def _is_undone_elsewhere(event: Event) -> bool:
    """Tell whether a service has undone its step, so that the order cannot succeed any more."""
    for participant in PARTICIPANTS:
        known = await asking.operation(participant.service, event.saga_run_id)
        if known is not None and known.state != "applied":
            return True
    return False


def _order_of(correlation_id: str) -> str | None:
    try:
        order_id: str = TypeAdapter(Identifier).validate_python(
            order_of_choreography(correlation_id)
        )
    except ValidationError:
        return None
    return order_id
