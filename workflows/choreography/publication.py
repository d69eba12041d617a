"""Publication: an event goes to each of its subscribers, on a delivery of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue, WorkflowIDReusePolicy
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from messages import wire
    from messages.deliveries import CarrierRef, CarrierState, Delivery, DeliveryReport
    from messages.events.base import Event
    from messages.ids import delivery_id, old_delivery_id

from workflows.choreography.carriers import look_at
from workflows.choreography.subscriptions import ORDER, SUBSCRIPTIONS, Subscriber

# Whose mailbox an event of unknown type ends in, where a person sees it.
_NOBODY = Subscriber("nobody")

_UNDER_WAY = (CarrierState.OPEN, CarrierState.PARKED)
_ONCE = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
_AGAIN = WorkflowIDReusePolicy.ALLOW_DUPLICATE


async def publish(event: Event, *, verified: bool) -> None:
    """Begin the delivery of an event to each of its subscribers; done once all have begun."""
    await asyncio.gather(
        *(
            tell_order(event.correlation_id, wire.RECEIVE_EVENT, event)
            if subscriber is ORDER
            else deliver(Delivery(event=event, subscriber=subscriber.name), verified=verified)
            for subscriber in SUBSCRIPTIONS.get(event.type, (_NOBODY,))
        )
    )


async def deliver(delivery: Delivery, *, verified: bool) -> None:
    """Begin a delivery, unless it is under way or done already.

    Args:
        verified: see to it that what is under way or done is this delivery, and nothing else
            under its id. Workflows that began before this was done cannot.
    """
    if verified:
        await _begin_unless_there(delivery, _ONCE)
    else:
        await _begin(delivery, old_delivery_id(delivery.event.id, delivery.subscriber), _ONCE)


async def deliver_again(deliveries: Sequence[Delivery]) -> list[CarrierState]:
    """Begin deliveries also when they are done already, but not those that are under way.

    Returns:
        How each of them stood before.
    """
    refs = [_ref(delivery, variant) for delivery in deliveries for variant in ("", delivery.fact)]
    found = await look_at(refs)
    states = [_best(found[i : i + 2]) for i in range(0, len(found), 2)]
    for delivery, state in zip(deliveries, states, strict=True):
        if state not in _UNDER_WAY:
            await _begin_unless_there(delivery, _AGAIN)
    return states


async def tell_order(order: str, signal: str, content: Event | DeliveryReport) -> None:
    """Signal the order's workflow; one that is over need not be told.

    It ended either with everything done, or with every service's word that it will do nothing
    more for it.
    """
    try:
        await workflow.get_external_workflow_handle(order).signal(signal, content)
    except FailureError:
        workflow.logger.debug("%s is over: not told of %s", order, signal)


async def _begin_unless_there(delivery: Delivery, policy: WorkflowIDReusePolicy) -> None:
    # Anybody can start something under a name that can be foretold, but not under the last one.
    for variant in ("", delivery.fact, None):
        ref = _ref(delivery, str(workflow.uuid4()) if variant is None else variant)
        if await _begin(delivery, ref.workflow_id, policy):
            return
        (state,) = await look_at([ref])
        if state not in (CarrierState.OTHER, CarrierState.ABSENT):
            return


async def _begin(delivery: Delivery, workflow_id: str, policy: WorkflowIDReusePolicy) -> bool:
    """Begin a delivery; return False when something is under way or done under this id."""
    try:
        await workflow.start_child_workflow(
            wire.EVENT_DELIVERY,
            delivery,
            id=workflow_id,
            # Nobody reads it. Read by the SDK, one that cannot be read would end this run.
            result_type=RawValue,
            # It outlives whoever began it. One that was terminated may be begun again.
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            id_reuse_policy=policy,
            static_summary=f"{delivery.event.type} → {delivery.subscriber}",
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


def _ref(delivery: Delivery, variant: str) -> CarrierRef:
    name = delivery_id(delivery.event.id, delivery.subscriber, variant)
    return CarrierRef(workflow_id=name, fact=delivery.fact)


def _best(found: Sequence[CarrierState]) -> CarrierState:
    """Of a delivery that may be found in two places, the one that is under way if there is."""
    return next((state for state in found if state in _UNDER_WAY), found[0])
