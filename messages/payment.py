"""Request to the payment service, and its answer."""

from __future__ import annotations

from pydantic import model_validator
from typing_extensions import Self

from messages.base import Added, Money, Reply
from messages.currencies import check_decimals
from messages.orders import Adjustment, Adjustments, OrderFacts
from messages.requests import MoneyRequest


class ProcessPayment(MoneyRequest):
    """Request to charge the customer."""

    #: Zero for an order that costs nothing.
    amount: Money
    #: What the amount contains beside the prices of the items.
    adjustments: Added[Adjustments] = None

    @model_validator(mode="after")
    def _amount_fits_currency(self) -> Self:
        check_decimals(self.amount, self.currency, "amount")
        return self

    @classmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Return the request for the total of an order."""
        return cls(
            idempotency_key=key,
            order_id=order.order_id,
            user_id=order.user_id,
            currency=order.currency,
            amount=order.total_amount,
            adjustments=order.adjustments
            and tuple(Adjustment(kind=a.kind, amount=a.amount) for a in order.adjustments),
        )


class Payment(Reply):
    """Confirmation that the customer was charged."""

    transaction_id: str
