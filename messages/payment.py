"""Request to the payment service, and its answer."""

from __future__ import annotations

from typing_extensions import Self

from messages.base import Money, Reply
from messages.orders import OrderFacts
from messages.requests import CustomerRequest


class ProcessPayment(CustomerRequest):
    """Request to charge the customer."""

    amount: Money

    @classmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Return the request for the total of an order."""
        return cls(
            idempotency_key=key,
            order_id=order.order_id,
            user_id=order.user_id,
            amount=order.total_amount,
        )


class Payment(Reply):
    """Confirmation that the customer was charged."""

    transaction_id: str
