"""Events of the loyalty service."""

from __future__ import annotations

from typing import Literal

from messages.base import Points
from messages.events.base import OrderEvent, Refusal, Undone


class LoyaltyPointsAwarded(OrderEvent):
    """Event that says: the customer has received the points."""

    type: Literal["LoyaltyPointsAwarded"] = "LoyaltyPointsAwarded"
    points: Points


class LoyaltyPointsRefused(Refusal):
    """Event that says: the customer cannot receive the points."""

    type: Literal["LoyaltyPointsRefused"] = "LoyaltyPointsRefused"


class LoyaltyPointsDeducted(Undone):
    """Event that says: the customer has no points from the order, now or later."""

    type: Literal["LoyaltyPointsDeducted"] = "LoyaltyPointsDeducted"
