"""Points are credited, and deducted."""

from __future__ import annotations

from temporalio import activity

from activities.failures import translated
from activities.ports import Loyalty
from messages.base import Reversal
from messages.loyalty import AwardLoyaltyPoints, PointsAward
from messages.settling import Settle


class LoyaltyActivities:
    """The loyalty steps of a saga, over the loyalty service."""

    def __init__(self, loyalty: Loyalty) -> None:
        self._loyalty = loyalty

    @activity.defn
    def award_loyalty_points(self, request: AwardLoyaltyPoints) -> PointsAward:
        with translated():
            return self._loyalty.award(request)

    @activity.defn
    def deduct_loyalty_points(self, request: AwardLoyaltyPoints) -> Reversal:
        with translated():
            return self._loyalty.deduct(request)

    @activity.defn
    def settle_loyalty(self, decision: Settle) -> Reversal:
        with translated():
            return self._loyalty.settle(decision)
