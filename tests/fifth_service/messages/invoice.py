"""Request and reply of the invoice service."""

from __future__ import annotations

from typing_extensions import Self

from messages.base import Money, Reply
from messages.orders import OrderFacts
from messages.requests import CustomerRequest


class IssueInvoice(CustomerRequest):
    """Bill the customer for an order."""

    amount: Money

    @classmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Bill its total."""
        return cls(
            idempotency_key=key,
            order_id=order.order_id,
            user_id=order.user_id,
            amount=order.total_amount,
        )


class Invoice(Reply):
    """An invoice was issued."""

    number: str
