"""Events of the payment service."""

from __future__ import annotations

from typing import Literal

from messages.events.base import ByHand, OrderEvent


class PaymentSucceeded(OrderEvent):
    """The customer was charged."""

    type: Literal["PaymentSucceeded"] = "PaymentSucceeded"
    version: Literal[1] = 1
    transaction_id: str


class PaymentFailed(OrderEvent):
    """The customer was not charged."""

    type: Literal["PaymentFailed"] = "PaymentFailed"
    version: Literal[1] = 1
    #: The service's own words.
    error: str


class PaymentRefunded(OrderEvent):
    """Nothing of the charge stands any more, nor will."""

    type: Literal["PaymentRefunded"] = "PaymentRefunded"
    version: Literal[1] = 1
    #: False when there was nothing to undo.
    had_effect: bool
    #: Set when there was nothing to undo because an operator had undone it by hand.
    settled: ByHand | None = None
