"""Events of the shipping service."""

from __future__ import annotations

from typing import Literal

from messages.events.base import OrderEvent, Refusal, Undone


class ShipmentPrepared(OrderEvent):
    """A shipment is booked."""

    type: Literal["ShipmentPrepared"] = "ShipmentPrepared"
    version: Literal[1] = 1
    tracking_number: str


class ShipmentFailed(Refusal):
    """No shipment can be booked."""

    type: Literal["ShipmentFailed"] = "ShipmentFailed"
    version: Literal[1] = 1


class ShipmentCancelled(Undone):
    """No shipment of the order is booked any more, nor will be."""

    type: Literal["ShipmentCancelled"] = "ShipmentCancelled"
    version: Literal[1] = 1
