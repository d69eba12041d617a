"""Points are credited, and deducted."""

from __future__ import annotations

from typing import Protocol

from temporalio import activity

from activities.answer import answer, now, undoing
from activities.failures import translated
from activities.ports import Settling
from messages.base import Reversal
from messages.events.base import Event, OrderEvent
from messages.events.loyalty import (
    LoyaltyPointsAwarded,
    LoyaltyPointsDeducted,
    LoyaltyPointsRefused,
)
from messages.events.order import OrderCancelled
from messages.events.shipping import ShipmentPrepared
from messages.loyalty import AwardLoyaltyPoints, PointsAward
from messages.settling import Settle


class Loyalty(Settling, Protocol):
    """Credits points."""

    def award(self, request: AwardLoyaltyPoints) -> PointsAward: ...

    def deduct(self, request: AwardLoyaltyPoints) -> Reversal: ...


class LoyaltyActivities:
    """The loyalty service's part in an order: as a saga's step, and in answer to events.

    Among events it tells LoyaltyPointsAwarded or LoyaltyPointsRefused, and LoyaltyPointsDeducted.
    """

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

    @activity.defn
    def loyalty_on_shipment_prepared(self, event: ShipmentPrepared) -> list[Event]:
        """Award the points, now that the parcel is on its way."""
        return answer(
            lambda: self._loyalty.award(_request(event)),
            lambda reply, at: LoyaltyPointsAwarded.after(event, at, points=reply.points_awarded),
            lambda error, at: LoyaltyPointsRefused.after(event, at, error=error),
        )

    @activity.defn
    def loyalty_on_order_cancelled(self, event: OrderCancelled) -> list[Event]:
        """Take back what was awarded, or never award it."""
        with translated():
            reversal = self._loyalty.deduct(_request(event))
        return [LoyaltyPointsDeducted.after(event, now(), **undoing(reversal))]


def _request(event: OrderEvent) -> AwardLoyaltyPoints:
    return AwardLoyaltyPoints.of(event.order, event.idempotency_key("award_loyalty_points"))


#: Hosts the service's activities, over its port.
HOST = LoyaltyActivities
