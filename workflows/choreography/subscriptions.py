"""Subscriptions to events, with the reaction and the policy of each subscriber."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages import subscriptions
    from messages.events.base import Event, OrderEvent
    from messages.events.order import OrderCancelled
    from messages.participants import BY_SERVICE
    from messages.subscriptions import EVENTS, SUBSCRIBERS
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
ORDER = Subscriber(subscriptions.ORDER)


def _subscriber(name: str, event: type[OrderEvent]) -> Subscriber:
    if name == ORDER.name:
        return ORDER
    policy = UNDO_DELIVERY if event is OrderCancelled else DELIVERY
    return Subscriber(name, BY_SERVICE[name].reaction_to(event), policy)


#: Subscribers by type of event.
SUBSCRIPTIONS: Mapping[str, tuple[Subscriber, ...]] = {
    event: tuple(_subscriber(name, EVENTS[event]) for name in names)
    for event, names in SUBSCRIBERS.items()
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
    model = EVENTS.get(event.type)
    if model is None:
        raise UnknownEvent(f"no event of type {event.type} is known")
    try:
        return model.model_validate(event.model_dump())
    except ValidationError as error:
        raise UnknownEvent(f"{event.type}: {explain(error)}") from error
