"""Events of the shipping service."""

from __future__ import annotations

from typing import Literal

from messages.events.base import OrderEvent, Refusal, Undone


class ShipmentPrepared(OrderEvent):
    """Event that says: a shipment is booked."""

    type: Literal["ShipmentPrepared"] = "ShipmentPrepared"
    tracking_number: str


class ShipmentFailed(Refusal):
    """Event that says: no shipment can be booked."""

    type: Literal["ShipmentFailed"] = "ShipmentFailed"


class ShipmentCancelled(Undone):
    """Event that says: no shipment of the order is booked, now or later."""

    type: Literal["ShipmentCancelled"] = "ShipmentCancelled"
