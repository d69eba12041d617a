"""Activities by which events reach their subscribers."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import TypeVar

from temporalio import activity

from activities.ports import Carriers
from messages.deliveries import CarrierRef, CarrierState, Delivery, FirstAttempt
from messages.events.base import Event
from messages.participants import BY_SERVICE
from messages.subscriptions import EVENTS, ORDER, subscribers

_T = TypeVar("_T")

#: Reaction of a service to an event; returns its own events.
Reaction = Callable[..., Sequence[Event]]


class DeliveryActivities:
    """Publication of events, their delivery to services, and questions about deliveries.

    Args:
        reactions: reactions of the services in this process, by the name of the activity.
        threads: run the reactions.
    """

    def __init__(
        self, carriers: Carriers, reactions: Mapping[str, Reaction], threads: Executor
    ) -> None:
        self._carriers = carriers
        self._reactions = reactions
        self._threads = threads

    @activity.defn
    async def deliver_here(self, delivery: Delivery) -> FirstAttempt:
        """Deliver an event to a service in this process, and publish the events of its answer.

        Raises:
            ApplicationError: the service failed for good; not retryable.
        """
        event = EVENTS[delivery.event.type].model_validate(delivery.event.model_dump())
        reaction = self._reactions.get(BY_SERVICE[delivery.subscriber].reaction_to(type(event)))
        if reaction is None:
            return FirstAttempt(is_here=False)
        emitted = await self._react(reaction, event)
        await self.publish(list(emitted))
        return FirstAttempt(is_here=True, emitted=tuple(event.id for event in emitted))

    @activity.defn
    async def publish(self, events: list[Event]) -> None:
        """Start the delivery of each event to each service, and tell the order."""
        requests = (
            self._carriers.tell(event)
            if subscriber == ORDER
            else self._carriers.start(Delivery(event=event, subscriber=subscriber))
            for event in events
            for subscriber in subscribers(event)
        )
        # The server answers the start of a delivery with its first task. If nobody heard the
        # answer, the delivery would stand still until that task has timed out.
        await _to_the_end(asyncio.gather(*requests))

    @activity.defn
    async def start_delivery(self, delivery: Delivery) -> None:
        """Start a delivery, unless it is open or completed."""
        await self._carriers.start(delivery)

    @activity.defn
    async def deliver_again(self, deliveries: list[Delivery]) -> list[CarrierState]:
        """Start deliveries again, also completed ones, but not those that are open or parked.

        Returns the state of each delivery before.
        """
        return list(await asyncio.gather(*map(self._deliver_again, deliveries)))

    @activity.defn
    async def look_at_deliveries(self, wanted: list[CarrierRef]) -> list[CarrierState]:
        """Return the state of each of these deliveries, in the same order."""
        return list(await asyncio.gather(*map(self._carriers.look_at, wanted)))

    async def _deliver_again(self, delivery: Delivery) -> CarrierState:
        found = await self.look_at_deliveries([delivery.ref(), delivery.ref(delivery.fact)])
        state = next((state for state in found if state.is_in_progress), found[0])
        if not state.is_in_progress:
            await self._carriers.start(delivery, again=True)
        return state

    async def _react(self, reaction: Reaction, event: Event) -> Sequence[Event]:
        context = contextvars.copy_context()
        # The thread cannot be stopped. This attempt takes its place until it ends, as the attempts
        # of other activities do.
        return await _to_the_end(
            asyncio.get_running_loop().run_in_executor(self._threads, context.run, reaction, event)
        )


async def _to_the_end(work: asyncio.Future[_T]) -> _T:
    """Await work that goes on when the attempt is cancelled; the attempt then ends after it."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        work.exception()
        raise
