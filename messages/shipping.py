"""Requests to the shipping service, and its answers."""

from __future__ import annotations

from typing_extensions import Self

from messages.base import Reply
from messages.orders import OrderFacts
from messages.requests import CustomerRequest


class PrepareShipping(CustomerRequest):
    """Book a shipment."""

    address: str

    @classmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Book its shipment."""
        return cls(
            idempotency_key=key,
            order_id=order.order_id,
            user_id=order.user_id,
            address=order.shipping_address,
        )


class Shipment(Reply):
    """A shipment was booked."""

    shipment_id: str
    tracking_number: str
