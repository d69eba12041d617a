"""Subscriptions to events by name, derived from the table of participants."""

from __future__ import annotations

from collections.abc import Mapping

from messages.events.base import Event, OrderEvent
from messages.events.order import OrderCancelled, OrderCreated
from messages.participants import PARTICIPANTS, SERVICES, STEP_TOLD_OF

#: Subscriber that is the order's workflow, which keeps the account.
ORDER = "order"
#: Subscriber of every event of unknown type. The delivery to it fails and is parked as a dead
#: letter, so that an operator sees the event.
_NOBODY = "nobody"

_KNOWN: tuple[type[OrderEvent], ...] = (OrderCreated, OrderCancelled, *STEP_TOLD_OF)
#: Events by type.
EVENTS: Mapping[str, type[OrderEvent]] = {event.__name__: event for event in _KNOWN}


def _names(event: type[OrderEvent]) -> tuple[str, ...]:
    if event is OrderCancelled:
        return SERVICES
    services = tuple(p.service for p in PARTICIPANTS if p.takes is event)
    # The order emits OrderCreated itself.
    return services if event is OrderCreated else (*services, ORDER)


#: Names of the subscribers by type of event.
SUBSCRIBERS: Mapping[str, tuple[str, ...]] = {name: _names(event) for name, event in EVENTS.items()}


def subscribers(event: Event) -> tuple[str, ...]:
    """Return the names of the subscribers to an event."""
    return SUBSCRIBERS.get(event.type, (_NOBODY,))
