"""Events of the payment service."""

from __future__ import annotations

from typing import Literal

from messages.events.base import OrderEvent, Refusal, Undone


class PaymentSucceeded(OrderEvent):
    """The customer was charged."""

    type: Literal["PaymentSucceeded"] = "PaymentSucceeded"
    version: Literal[1] = 1
    transaction_id: str


class PaymentFailed(Refusal):
    """The customer was not charged."""

    type: Literal["PaymentFailed"] = "PaymentFailed"
    version: Literal[1] = 1


class PaymentRefunded(Undone):
    """Nothing of the charge stands any more, nor will."""

    type: Literal["PaymentRefunded"] = "PaymentRefunded"
    version: Literal[1] = 1
