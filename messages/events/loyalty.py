"""Events of the loyalty service."""

from __future__ import annotations

from typing import Literal

from messages.base import Points
from messages.events.base import ByHand, OrderEvent


class LoyaltyPointsAwarded(OrderEvent):
    """The customer has the points."""

    type: Literal["LoyaltyPointsAwarded"] = "LoyaltyPointsAwarded"
    version: Literal[1] = 1
    points: Points


class LoyaltyPointsRefused(OrderEvent):
    """The customer cannot be given the points."""

    type: Literal["LoyaltyPointsRefused"] = "LoyaltyPointsRefused"
    version: Literal[1] = 1
    #: The service's own words.
    error: str


class LoyaltyPointsDeducted(OrderEvent):
    """The customer has no points from the order any more, nor will have."""

    type: Literal["LoyaltyPointsDeducted"] = "LoyaltyPointsDeducted"
    version: Literal[1] = 1
    #: False when there was nothing to undo.
    had_effect: bool
    #: Set when there was nothing to undo because an operator had undone it by hand.
    settled: ByHand | None = None
