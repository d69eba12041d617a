"""Events of the loyalty service."""

from __future__ import annotations

from typing import Literal

from messages.base import Points
from messages.events.base import OrderEvent, Refusal, Undone


class LoyaltyPointsAwarded(OrderEvent):
    """The customer has the points."""

    type: Literal["LoyaltyPointsAwarded"] = "LoyaltyPointsAwarded"
    version: Literal[1] = 1
    points: Points


class LoyaltyPointsRefused(Refusal):
    """The customer cannot be given the points."""

    type: Literal["LoyaltyPointsRefused"] = "LoyaltyPointsRefused"
    version: Literal[1] = 1


class LoyaltyPointsDeducted(Undone):
    """The customer has no points from the order any more, nor will have."""

    type: Literal["LoyaltyPointsDeducted"] = "LoyaltyPointsDeducted"
    version: Literal[1] = 1
