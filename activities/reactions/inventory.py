"""The inventory service among events: takes OrderCreated and OrderCancelled."""

from __future__ import annotations

from temporalio import activity

from activities.failures import translated
from activities.ports import Inventory
from activities.reactions.answer import answer, now, undoing
from messages.events.base import Event, OrderEvent
from messages.events.inventory import (
    InventoryReleased,
    InventoryReservationFailed,
    InventoryReserved,
)
from messages.events.order import OrderCancelled, OrderCreated
from messages.inventory import ReserveInventory
from messages.orders import OrderItem


class InventoryReactions:
    """Tells InventoryReserved or InventoryReservationFailed, and InventoryReleased."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    @activity.defn
    def inventory_on_order_created(self, event: OrderCreated) -> list[Event]:
        """Set the items of an order aside."""
        return answer(
            lambda: self._inventory.reserve(_request(event)),
            lambda reply, at: InventoryReserved.after(
                event, at, reservation_id=reply.reservation_id
            ),
            lambda error, at: InventoryReservationFailed.after(event, at, error=error),
        )

    @activity.defn
    def inventory_on_order_cancelled(self, event: OrderCancelled) -> list[Event]:
        """Put back what was set aside, or never set it aside."""
        with translated():
            reversal = self._inventory.release(_request(event))
        return [InventoryReleased.after(event, now(), **undoing(reversal))]


def _request(event: OrderEvent) -> ReserveInventory:
    return ReserveInventory(
        idempotency_key=event.idempotency_key("reserve_inventory"),
        order_id=event.order.order_id,
        items=tuple(
            OrderItem(id=item.id, quantity=item.quantity, price=item.price)
            for item in event.order.items
        ),
    )
