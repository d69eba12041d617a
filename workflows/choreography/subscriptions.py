"""Who hears of what: from each type of event to its subscribers. There is no other wiring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from pydantic import ValidationError
from temporalio import workflow
from typing_extensions import Never

with workflow.unsafe.imports_passed_through():
    from activities.reactions.inventory import InventoryReactions
    from activities.reactions.loyalty import LoyaltyReactions
    from activities.reactions.payment import PaymentReactions
    from activities.reactions.shipping import ShippingReactions
    from messages.events.base import Event, OrderEvent
    from messages.events.inventory import (
        InventoryReleased,
        InventoryReservationFailed,
        InventoryReserved,
    )
    from messages.events.loyalty import (
        LoyaltyPointsAwarded,
        LoyaltyPointsDeducted,
        LoyaltyPointsRefused,
    )
    from messages.events.order import OrderCancelled, OrderCreated
    from messages.events.payment import PaymentFailed, PaymentRefunded, PaymentSucceeded
    from messages.events.shipping import ShipmentCancelled, ShipmentFailed, ShipmentPrepared
    from messages.validation import explain

from workflows.policies import DELIVERY, UNDO_DELIVERY, DeliveryPolicy

_EventT = TypeVar("_EventT", bound=OrderEvent)


@dataclass(frozen=True)
class Subscriber:
    """Receiver of an event: a service, or the order."""

    name: str
    #: The activity that reacts to it; None when the order's own workflow takes it.
    reaction: Callable[[Never, Event], list[Event]] | None = None
    policy: DeliveryPolicy = DELIVERY


#: The order itself, which keeps account of what happened to it.
ORDER = Subscriber("order")


def _on(
    event: type[_EventT],
    *reactions: tuple[str, Callable[[Never, _EventT], list[Event]]],
    order: bool = True,
    policy: DeliveryPolicy = DELIVERY,
) -> tuple[type[OrderEvent], tuple[Subscriber, ...]]:
    # A reaction reads its own type of event; on the way to it an event is but an envelope.
    services = tuple(
        Subscriber(name, cast("Callable[[Never, Event], list[Event]]", reaction), policy)
        for name, reaction in reactions
    )
    return event, (*services, ORDER) if order else services


_TABLE = (
    _on(OrderCreated, ("inventory", InventoryReactions.inventory_on_order_created), order=False),
    _on(InventoryReserved, ("payment", PaymentReactions.payment_on_inventory_reserved)),
    _on(PaymentSucceeded, ("shipping", ShippingReactions.shipping_on_payment_succeeded)),
    _on(ShipmentPrepared, ("loyalty", LoyaltyReactions.loyalty_on_shipment_prepared)),
    _on(LoyaltyPointsAwarded),
    #
    _on(InventoryReservationFailed),
    _on(PaymentFailed),
    _on(ShipmentFailed),
    _on(LoyaltyPointsRefused),
    #
    _on(
        OrderCancelled,
        ("inventory", InventoryReactions.inventory_on_order_cancelled),
        ("payment", PaymentReactions.payment_on_order_cancelled),
        ("shipping", ShippingReactions.shipping_on_order_cancelled),
        ("loyalty", LoyaltyReactions.loyalty_on_order_cancelled),
        order=False,
        policy=UNDO_DELIVERY,
    ),
    _on(InventoryReleased),
    _on(PaymentRefunded),
    _on(ShipmentCancelled),
    _on(LoyaltyPointsDeducted),
)

#: By type of event, whoever is to hear of it.
SUBSCRIPTIONS: Mapping[str, tuple[Subscriber, ...]] = {
    event.__name__: subscribers for event, subscribers in _TABLE
}

_EVENTS: Mapping[str, type[OrderEvent]] = {event.__name__: event for event, _ in _TABLE}


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
