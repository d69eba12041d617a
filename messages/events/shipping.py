"""Events of the shipping service."""

from __future__ import annotations

from typing import Literal

from messages.events.base import ByHand, OrderEvent


class ShipmentPrepared(OrderEvent):
    """A shipment is booked."""

    type: Literal["ShipmentPrepared"] = "ShipmentPrepared"
    version: Literal[1] = 1
    tracking_number: str


class ShipmentFailed(OrderEvent):
    """No shipment can be booked."""

    type: Literal["ShipmentFailed"] = "ShipmentFailed"
    version: Literal[1] = 1
    #: The service's own words.
    error: str


class ShipmentCancelled(OrderEvent):
    """No shipment of the order is booked any more, nor will be."""

    type: Literal["ShipmentCancelled"] = "ShipmentCancelled"
    version: Literal[1] = 1
    #: False when there was nothing to undo.
    had_effect: bool
    #: Set when there was nothing to undo because an operator had undone it by hand.
    settled: ByHand | None = None
