"""Events of the inventory service."""

from __future__ import annotations

from typing import Literal

from messages.events.base import ByHand, OrderEvent


class InventoryReserved(OrderEvent):
    """All items of the order are set aside."""

    type: Literal["InventoryReserved"] = "InventoryReserved"
    version: Literal[1] = 1
    reservation_id: str


class InventoryReservationFailed(OrderEvent):
    """The items cannot be set aside; nothing was."""

    type: Literal["InventoryReservationFailed"] = "InventoryReservationFailed"
    version: Literal[1] = 1
    #: The service's own words.
    error: str


class InventoryReleased(OrderEvent):
    """Nothing is set aside for the order any more, nor will be."""

    type: Literal["InventoryReleased"] = "InventoryReleased"
    version: Literal[1] = 1
    #: False when there was nothing to undo.
    had_effect: bool
    #: Set when there was nothing to undo because an operator had undone it by hand.
    settled: ByHand | None = None
