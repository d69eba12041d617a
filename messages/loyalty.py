"""Request to the loyalty service, and its answer."""

from __future__ import annotations

from decimal import Decimal

from typing_extensions import Self

from messages.base import Points, Reply
from messages.orders import OrderFacts
from messages.requests import CustomerRequest

_POINTS_PER_MONEY = Decimal("0.01")


class AwardLoyaltyPoints(CustomerRequest):
    """Request to credit points to the customer."""

    points: Points

    @classmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Return the request for the points of an order: exactly 1 % of its total."""
        return cls(
            idempotency_key=key,
            order_id=order.order_id,
            user_id=order.user_id,
            points=order.total_amount * _POINTS_PER_MONEY,
        )


class PointsAward(Reply):
    """Confirmation that points were credited."""

    award_id: str
    points_awarded: Points
