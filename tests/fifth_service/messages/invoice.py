"""Request to the invoice service, and its answer."""

from __future__ import annotations

from typing_extensions import Self

from messages.base import Money, Reply
from messages.orders import OrderFacts
from messages.requests import CustomerRequest


class IssueInvoice(CustomerRequest):
    """Request to issue an invoice to the customer."""

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


class Invoice(Reply):
    """Confirmation that an invoice was issued."""

    number: str
