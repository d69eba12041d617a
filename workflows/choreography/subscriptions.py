"""Subscriptions to events, all derived from the table of participants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.events.base import Event, OrderEvent
    from messages.events.order import OrderCancelled, OrderCreated
    from messages.participants import PARTICIPANTS, STEP_TOLD_OF
    from messages.validation import explain

from workflows.policies import DELIVERY, UNDO_DELIVERY, DeliveryPolicy


@dataclass(frozen=True)
class Subscriber:
    """Receiver of an event: a service, or the order's workflow."""

    name: str
    #: Activity that reacts to the event; None for the order, which gets a signal instead.
    reaction: str | None = None
    policy: DeliveryPolicy = DELIVERY


#: The order's workflow, which keeps the account.
ORDER = Subscriber("order")


def _subscribers(event: type[OrderEvent]) -> tuple[Subscriber, ...]:
    if event is OrderCancelled:
        return tuple(
            Subscriber(p.service, p.reaction_to(event), UNDO_DELIVERY) for p in PARTICIPANTS
        )
    services = tuple(
        Subscriber(p.service, p.reaction_to(event)) for p in PARTICIPANTS if p.takes is event
    )
    # The order emits OrderCreated itself.
    return services if event is OrderCreated else (*services, ORDER)


_KNOWN: tuple[type[OrderEvent], ...] = (OrderCreated, OrderCancelled, *STEP_TOLD_OF)
_EVENTS: Mapping[str, type[OrderEvent]] = {event.__name__: event for event in _KNOWN}

#: Subscribers by type of event.
SUBSCRIPTIONS: Mapping[str, tuple[Subscriber, ...]] = {
    name: _subscribers(event) for name, event in _EVENTS.items()
}


class UnknownEvent(Exception):
    """The event has an unknown type or version, or no such subscriber."""


def subscription(event: Event, subscriber: str) -> Subscriber:
    """Return the subscriber with this name to this type of event.

    Raises:
        UnknownEvent: there is no such subscriber.
    """
    for found in SUBSCRIPTIONS.get(event.type, ()):
        if found.name == subscriber:
            return found
    raise UnknownEvent(f"{subscriber} does not subscribe to {event.type}")


def read(event: Event) -> OrderEvent:
    """Return the event as an instance of its type.

    Raises:
        UnknownEvent: its type or version is unknown, or a field is missing or wrong.
    """
    model = _EVENTS.get(event.type)
    if model is None:
        raise UnknownEvent(f"no event of type {event.type} is known")
    try:
        return model.model_validate(event.model_dump())
    except ValidationError as error:
        raise UnknownEvent(f"{event.type}: {explain(error)}") from error
