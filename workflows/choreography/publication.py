"""Publication: an event goes to each of its subscribers, on a delivery of its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from temporalio import workflow
from temporalio.common import RawValue, WorkflowIDReusePolicy
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from messages.deliveries import Delivery, DeliveryReport
    from messages.events.base import Event
    from messages.ids import delivery_id

from workflows.choreography.subscriptions import ORDER, SUBSCRIPTIONS, Subscriber

#: Signals that the order's workflow takes: an event, and how the delivery of one goes.
EVENT_SIGNAL = "receive_event"
REPORT_SIGNAL = "delivery_report"

# Whose mailbox an event of unknown type ends in, where a person sees it.
_NOBODY = Subscriber("nobody")


async def publish(event: Event) -> None:
    """Begin the delivery of an event to each of its subscribers; done once all have begun."""
    await asyncio.gather(
        *(
            tell_order(event.correlation_id, EVENT_SIGNAL, event)
            if subscriber is ORDER
            else deliver(event, subscriber.name)
            for subscriber in SUBSCRIPTIONS.get(event.type, (_NOBODY,))
        )
    )


async def deliver(event: Event, subscriber: str) -> None:
    """Begin a delivery, unless it is under way or done already."""
    with suppress(WorkflowAlreadyStartedError):
        await workflow.start_child_workflow(
            "EventDelivery",
            Delivery(event=event, subscriber=subscriber),
            id=delivery_id(event.id, subscriber),
            # Nobody reads it. Read by the SDK, one that cannot be read would end this run.
            result_type=RawValue,
            # It outlives whoever began it. One that was terminated may be begun again.
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            static_summary=f"{event.type} → {subscriber}",
        )


async def tell_order(order: str, signal: str, content: Event | DeliveryReport) -> None:
    """Signal the order's workflow; one that is over need not be told.

    It ended either with everything done, or with every service's word that it will do nothing
    more for it.
    """
    try:
        await workflow.get_external_workflow_handle(order).signal(signal, content)
    except FailureError:
        workflow.logger.debug("%s is over: not told of %s", order, signal)
