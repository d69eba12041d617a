"""Subscriptions to events, derived from the table of participants. There is no other wiring."""

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
    """Receiver of an event: a service, or the order."""

    name: str
    #: The activity that reacts to it; None when the order's own workflow takes it.
    reaction: str | None = None
    policy: DeliveryPolicy = DELIVERY


#: The order itself, which keeps account of what happened to it.
ORDER = Subscriber("order")


def _subscribers(event: type[OrderEvent]) -> tuple[Subscriber, ...]:
    if event is OrderCancelled:
        return tuple(
            Subscriber(p.service, p.reaction_to(event), UNDO_DELIVERY) for p in PARTICIPANTS
        )
    services = tuple(
        Subscriber(p.service, p.reaction_to(event)) for p in PARTICIPANTS if p.takes is event
    )
    # Of what it tells itself it need not hear.
    return services if event is OrderCreated else (*services, ORDER)


_KNOWN: tuple[type[OrderEvent], ...] = (OrderCreated, OrderCancelled, *STEP_TOLD_OF)
_EVENTS: Mapping[str, type[OrderEvent]] = {event.__name__: event for event in _KNOWN}

#: By type of event, whoever is to hear of it.
SUBSCRIPTIONS: Mapping[str, tuple[Subscriber, ...]] = {
    name: _subscribers(event) for name, event in _EVENTS.items()
}


class UnknownEvent(Exception):
    """Nobody here knows this type of event, or this version of it, or takes it."""


def subscription(event: Event, subscriber: str) -> Subscriber:
    """Return the subscriber of that name to that type of event.

    Raises:
        UnknownEvent: there is none.
    """
    for found in SUBSCRIPTIONS.get(event.type, ()):
        if found.name == subscriber:
            return found
    raise UnknownEvent(f"{subscriber} does not subscribe to {event.type}")


def read(event: Event) -> OrderEvent:
    """Return the event as its own type.

    Raises:
        UnknownEvent: it is of no known type or version, or does not tell what it should.
    """
    model = _EVENTS.get(event.type)
    if model is None:
        raise UnknownEvent(f"no event of type {event.type} is known")
    try:
        return model.model_validate(event.model_dump())
    except ValidationError as error:
        raise UnknownEvent(f"{event.type}: {explain(error)}") from error
