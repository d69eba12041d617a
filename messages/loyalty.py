"""Request to the loyalty service, and its answer."""

from __future__ import annotations

from decimal import Decimal

from pydantic import model_validator
from typing_extensions import Self

from messages.base import Points, Reply
from messages.currencies import check_decimals
from messages.orders import OrderFacts
from messages.requests import MoneyRequest

_POINTS_PER_MONEY = Decimal("0.01")


class AwardLoyaltyPoints(MoneyRequest):
    """Request to credit points to the customer.

    Points are counted by currency: 1 % of an amount in yen is worth less than 1 % of as many
    dollars, and no exchange rate is exact.
    """

    #: Zero for an order that costs nothing.
    points: Points

    @model_validator(mode="after")
    def _points_fit_currency(self) -> Self:
        check_decimals(self.points / _POINTS_PER_MONEY, self.currency, "a hundred times the points")
        return self

    @classmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Return the request for the points of an order: exactly 1 % of its total."""
        return cls(
            idempotency_key=key,
            order_id=order.order_id,
            user_id=order.user_id,
            currency=order.currency,
            points=order.total_amount * _POINTS_PER_MONEY,
        )


class PointsAward(Reply):
    """Confirmation that points were credited."""

    award_id: str
    points_awarded: Points
