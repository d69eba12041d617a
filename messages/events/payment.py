"""Events of the payment service."""

from __future__ import annotations

from typing import Literal

from messages.events.base import OrderEvent, Refusal, Undone


class PaymentSucceeded(OrderEvent):
    """Event that says: the customer was charged."""

    type: Literal["PaymentSucceeded"] = "PaymentSucceeded"
    transaction_id: str


class PaymentFailed(Refusal):
    """Event that says: the customer was not charged."""

    type: Literal["PaymentFailed"] = "PaymentFailed"


class PaymentRefunded(Undone):
    """Event that says: no charge for the order stands, now or later."""

    type: Literal["PaymentRefunded"] = "PaymentRefunded"
