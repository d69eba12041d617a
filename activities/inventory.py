"""Activities of the inventory service: set stock aside, and put it back."""

from __future__ import annotations

from typing import Protocol

from temporalio import activity

from activities.answer import answer, now, undoing
from activities.failures import translated
from activities.ports import Settling
from messages.base import Reversal
from messages.events.base import Event, OrderEvent
from messages.events.inventory import (
    InventoryReleased,
    InventoryReservationFailed,
    InventoryReserved,
)
from messages.events.order import OrderCancelled, OrderCreated
from messages.inventory import Reservation, ReserveInventory
from messages.settling import Settle


class Inventory(Settling, Protocol):
    """Port of the inventory service."""

    def reserve(self, request: ReserveInventory) -> Reservation: ...

    def release(self, request: ReserveInventory) -> Reversal: ...


class InventoryActivities:
    """Activities of the inventory service: for the step of a saga, and as reactions to events.

    The reactions emit InventoryReserved or InventoryReservationFailed, and InventoryReleased.
    """

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    @activity.defn(no_thread_cancel_exception=True)
    def reserve_inventory(self, request: ReserveInventory) -> Reservation:
        with translated():
            return self._inventory.reserve(request)

    @activity.defn
    def release_inventory(self, request: ReserveInventory) -> Reversal:
        with translated():
            return self._inventory.release(request)

    @activity.defn
    def settle_inventory(self, decision: Settle) -> Reversal:
        with translated():
            return self._inventory.settle(decision)

    @activity.defn
    def inventory_on_order_created(self, event: OrderCreated) -> list[Event]:
        """Set the items of the order aside."""
        return answer(
            lambda: self._inventory.reserve(_request(event)),
            lambda reply, at: InventoryReserved.after(
                event, at, reservation_id=reply.reservation_id
            ),
            lambda error, at: InventoryReservationFailed.after(event, at, error=error),
        )

    @activity.defn
    def inventory_on_order_cancelled(self, event: OrderCancelled) -> list[Event]:
        """Put the items back. If they are not set aside yet, refuse to do so later."""
        with translated():
            reversal = self._inventory.release(_request(event))
        return [InventoryReleased.after(event, now(), **undoing(reversal))]


def _request(event: OrderEvent) -> ReserveInventory:
    return ReserveInventory.of(event.order, event.idempotency_key("reserve_inventory"))


#: The class whose methods are the service's activities. It takes the service's port.
HOST = InventoryActivities
