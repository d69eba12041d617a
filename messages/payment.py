"""Requests to the payment service, and its answers."""

from __future__ import annotations

from typing_extensions import Self

from messages.base import Money, Reply
from messages.orders import OrderFacts
from messages.requests import CustomerRequest


class ProcessPayment(CustomerRequest):
    """Charge the customer."""

    amount: Money

    @classmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Charge its total."""
        return cls(
            idempotency_key=key,
            order_id=order.order_id,
            user_id=order.user_id,
            amount=order.total_amount,
        )


class Payment(Reply):
    """The customer was charged."""

    transaction_id: str
