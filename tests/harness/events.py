"""Events of an order as its services tell them, for tests that need no service to tell them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone

from messages.events.base import Event, OrderEvent, PlacedOrder
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
from messages.ids import event_id, order_choreography_id
from messages.orders import Order
from messages.participants import PARTICIPANTS

NOON = datetime(2030, 1, 1, 12, tzinfo=timezone.utc)

#: What each type of event says beside its order.
FACTS: Mapping[type[OrderEvent], Mapping[str, object]] = {
    OrderCreated: {},
    InventoryReserved: {"reservation_id": "res_1"},
    PaymentSucceeded: {"transaction_id": "txn_1"},
    ShipmentPrepared: {"tracking_number": "trk_1"},
    LoyaltyPointsAwarded: {"points": 2},
    InventoryReservationFailed: {"error": "sold out"},
    PaymentFailed: {"error": "declined"},
    ShipmentFailed: {"error": "no carrier"},
    LoyaltyPointsRefused: {"error": "account closed"},
    OrderCancelled: {"reason": "changed my mind"},
    InventoryReleased: {"had_effect": True},
    PaymentRefunded: {"had_effect": True},
    ShipmentCancelled: {"had_effect": True},
    LoyaltyPointsDeducted: {"had_effect": True},
}

#: By service, the event that has it act.
TRIGGERS: Mapping[str, type[OrderEvent]] = {p.service: p.takes for p in PARTICIPANTS}


def created(order: Order, run_id: str) -> OrderCreated:
    """Return what the order tells first, in the run of that id."""
    saga_id = order_choreography_id(order.order_id)
    placed = PlacedOrder.of(order)
    return OrderCreated(
        id=event_id(saga_id, run_id, OrderCreated.__name__),
        version=placed.version,
        correlation_id=saga_id,
        saga_run_id=run_id,
        time=NOON,
        order=placed,
    )


def told(kind: type[OrderEvent], order: Order, run_id: str, **facts: object) -> OrderEvent:
    """Return an event of that type about the order, in the run of that id."""
    cause = created(order, run_id)
    if kind is OrderCreated:
        return cause
    return kind.after(cause, NOON, **{**FACTS[kind], **facts})


def enveloped(
    event: OrderEvent, change: Callable[[dict[str, object]], object] | None = None
) -> Event:
    """Return the event as it travels; ``change`` alters its fields as another version would."""
    fields = event.model_dump(mode="json")
    if change is not None:
        change(fields)
    return Event.model_validate(fields)
