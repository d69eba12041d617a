"""Events of the inventory service."""

from __future__ import annotations

from typing import Literal

from messages.events.base import OrderEvent, Refusal, Undone


class InventoryReserved(OrderEvent):
    """Event that says: all items of the order are set aside."""

    type: Literal["InventoryReserved"] = "InventoryReserved"
    reservation_id: str


class InventoryReservationFailed(Refusal):
    """Event that says: the items cannot be set aside, and none of them is."""

    type: Literal["InventoryReservationFailed"] = "InventoryReservationFailed"


class InventoryReleased(Undone):
    """Event that says: nothing is set aside for the order, now or later."""

    type: Literal["InventoryReleased"] = "InventoryReleased"
