"""Events of the inventory service."""

from __future__ import annotations

from typing import Literal

from messages.events.base import OrderEvent, Refusal, Undone


class InventoryReserved(OrderEvent):
    """All items of the order are set aside."""

    type: Literal["InventoryReserved"] = "InventoryReserved"
    version: Literal[1] = 1
    reservation_id: str


class InventoryReservationFailed(Refusal):
    """The items cannot be set aside; nothing was."""

    type: Literal["InventoryReservationFailed"] = "InventoryReservationFailed"
    version: Literal[1] = 1


class InventoryReleased(Undone):
    """Nothing is set aside for the order any more, nor will be."""

    type: Literal["InventoryReleased"] = "InventoryReleased"
    version: Literal[1] = 1
