"""Request to the shipping service, and its answer."""

from __future__ import annotations

from typing_extensions import Self

from messages.addresses import Phone
from messages.base import Added, Reply
from messages.orders import OrderFacts
from messages.requests import CustomerRequest


class PrepareShipping(CustomerRequest):
    """Request to book a shipment."""

    address: str
    phone: Added[Phone] = None

    @classmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Return the request for the shipment of an order."""
        return cls(
            idempotency_key=key,
            order_id=order.order_id,
            user_id=order.user_id,
            address=order.shipping_address,
            phone=order.phone,
        )


class Shipment(Reply):
    """Confirmation that a shipment was booked."""

    shipment_id: str
    tracking_number: str
