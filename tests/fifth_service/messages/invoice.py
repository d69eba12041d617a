"""Request to the invoice service, and its answer."""

from __future__ import annotations

from typing_extensions import Self

from messages.base import Money, Reply
from messages.orders import OrderFacts
from messages.requests import MoneyRequest


class IssueInvoice(MoneyRequest):
    """Request to issue an invoice to the customer."""

    amount: Money

    @classmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Return the request for the total of an order."""
        return cls(
            idempotency_key=key,
            order_id=order.order_id,
            user_id=order.user_id,
            currency=order.currency,
            amount=order.total_amount,
        )


class Invoice(Reply):
    """Confirmation that an invoice was issued."""

    number: str
