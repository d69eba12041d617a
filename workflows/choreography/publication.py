"""Publication of events: each subscriber gets a delivery of its own.

Activities start the deliveries. They may do so more than once for the same event; the id of the
delivery then refuses the second start.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.deliveries import DeliveryActivities
    from messages.deliveries import CarrierState, Delivery, DeliveryReport
    from messages.events.base import Event

from workflows import policies
from workflows.failure import was_cancelled
from workflows.replies import UnreadableReply, call, call_locally

_T = TypeVar("_T")
#: Summary of what lets other messages take effect first.
MOMENT = "lets late messages in"
SHORTEST_TIMER = timedelta(milliseconds=1)


async def publish(events: Sequence[Event]) -> None:
    """Publish events that follow from what the history says.

    They are out when this returns. If this task is lost before it is recorded, the events stay
    out, and the run may learn something else before it comes here again. So this is not for the
    event of a decision that such news could change.
    """
    try:
        await _publish_at_once(events, "publishes " + ", ".join(event.type for event in events))
    except (FailureError, UnreadableReply) as error:
        if was_cancelled(error):
            raise
        await publish_decided(events)


async def publish_decided(events: Sequence[Event]) -> None:
    """Publish events after the decision to do so has been recorded in the history."""
    await _request(DeliveryActivities.publish.__name__, list(events), type(None))


async def start_delivery(delivery: Delivery) -> None:
    """Start one delivery, unless it is open or completed."""
    await _request(DeliveryActivities.start_delivery.__name__, delivery, type(None))


async def deliver_again(deliveries: Sequence[Delivery]) -> list[CarrierState]:
    """Start deliveries again, also completed ones, but not those that are open or parked.

    Returns:
        The state of each delivery before; OTHER if it is not known.
    """
    activity = DeliveryActivities.deliver_again.__name__
    try:
        found = await _request(activity, list(deliveries), list[CarrierState])
    except (FailureError, UnreadableReply) as error:
        workflow.logger.warning("the states of deliveries are unknown: %s", error)
        found = []
    return found if len(found) == len(deliveries) else [CarrierState.OTHER] * len(deliveries)


async def pass_a_moment() -> None:
    """Pass the shortest time in which the other messages of this workflow task take effect."""
    try:
        await _publish_at_once([], MOMENT)
    except (FailureError, UnreadableReply):
        await workflow.sleep(SHORTEST_TIMER, summary=MOMENT)


async def tell_order(order: str, signal: str, content: Event | DeliveryReport) -> None:
    """Signal the order's workflow, if it is still open.

    A closed one needs no signal: every step had succeeded, or every service had answered that
    its step is undone. If it was terminated, the reconciler undoes its effects.
    """
    try:
        await workflow.get_external_workflow_handle(order).signal(signal, content)
    except FailureError:
        workflow.logger.debug("%s is closed; the signal %s was not sent", order, signal)


async def _publish_at_once(events: Sequence[Event], summary: str) -> None:
    await call_locally(
        DeliveryActivities.publish.__name__,
        list(events),
        reply=type(None),
        limit=policies.PUBLICATION.fast,
        summary=summary,
    )


async def _request(activity: str, content: object, reply: type[_T]) -> _T:
    policy = policies.PUBLICATION
    return await call(activity, content, reply=reply, attempt=policy.attempt, retry=policy.retry)
