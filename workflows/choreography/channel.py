"""Channel by which an order has its events delivered, in the way of the version it began in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from messages import wire
    from messages.deliveries import CarrierState, Delivery
    from messages.events.base import OrderEvent
    from messages.events.order import OrderCreated

from workflows.choreography import publication, publication_by_children
from workflows.replies import UnreadableReply
from workflows.uninterrupted import finish


class Channel:
    """Channel of one order.

    The follow-up starts each delivery that is missing. So no failure here ends the order.
    """

    def __init__(self) -> None:
        self._by_activities = workflow.patched(wire.LEANER_DELIVERIES)
        #: Whether the order makes sure of its deliveries. False for orders of early versions.
        self.verified = self._by_activities or workflow.patched(wire.VERIFIED_DELIVERIES)

    async def publish(self, event: OrderEvent) -> None:
        """Start the delivery of an event to each subscriber."""
        if not self._by_activities:
            await publication_by_children.publish(event, verified=self.verified)
            return
        # If the task in which the order is called off were lost after OrderCancelled is out, the
        # last event could still arrive. The order would then succeed while its services undo
        # their steps. OrderCreated may be out before its task is recorded: whatever comes then,
        # the order either goes on or sends OrderCancelled to every service.
        at_once = isinstance(event, OrderCreated)
        try:
            await (publication.publish if at_once else publication.publish_decided)([event])
        except (FailureError, UnreadableReply) as error:
            workflow.logger.warning("%s may not be published yet: %s", event.type, error)

    async def park(self, unreadable: Delivery) -> None:
        """Start the delivery of an unreadable event, which becomes a dead letter."""
        if not self._by_activities:
            await publication_by_children.deliver(unreadable, verified=self.verified)
            return
        try:
            await publication.start_delivery(unreadable)
        except (FailureError, UnreadableReply) as error:
            workflow.logger.warning("%s is not parked: %s", unreadable.event.type, error)

    async def deliver_again(self, deliveries: Sequence[Delivery]) -> list[CarrierState]:
        """Start deliveries again, also completed ones, but not those that are open or parked.

        Returns:
            The state of each delivery before.
        """
        if not self._by_activities:
            return await publication_by_children.deliver_again(deliveries)
        return await publication.deliver_again(deliveries)

    async def pass_a_moment(self, on_cancel: Callable[[], None]) -> None:
        """Pass the shortest time in which messages that have arrived already take effect."""
        if self._by_activities:
            await finish(asyncio.create_task(publication.pass_a_moment()), on_cancel=on_cancel)
        else:
            await workflow.sleep(publication.SHORTEST_TIMER, summary=publication.MOMENT)
