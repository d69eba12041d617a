"""Requests to the loyalty service, and its answers."""

from __future__ import annotations

from decimal import Decimal

from typing_extensions import Self

from messages.base import Points, Reply
from messages.orders import OrderFacts
from messages.requests import CustomerRequest

_POINTS_PER_MONEY = Decimal("0.01")


class AwardLoyaltyPoints(CustomerRequest):
    """Credit points to the customer."""

    points: Points

    @classmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Credit the points that it earns: 1 % of its total, exact."""
        return cls(
            idempotency_key=key,
            order_id=order.order_id,
            user_id=order.user_id,
            points=order.total_amount * _POINTS_PER_MONEY,
        )


class PointsAward(Reply):
    """Points were credited."""

    award_id: str
    points_awarded: Points
