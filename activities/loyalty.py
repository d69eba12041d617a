"""Activities of the loyalty service: credit points, and deduct them."""

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
    """Port of the loyalty service."""

    def award(self, request: AwardLoyaltyPoints) -> PointsAward: ...

    def deduct(self, request: AwardLoyaltyPoints) -> Reversal: ...


class LoyaltyActivities:
    """Activities of the loyalty service: for the step of a saga, and as reactions to events.

    The reactions emit LoyaltyPointsAwarded or LoyaltyPointsRefused, and LoyaltyPointsDeducted.
    """

    def __init__(self, loyalty: Loyalty) -> None:
        self._loyalty = loyalty

    @activity.defn(no_thread_cancel_exception=True)
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
        """Award the points, now that the shipment is booked."""
        return answer(
            lambda: self._loyalty.award(_request(event)),
            lambda reply, at: LoyaltyPointsAwarded.after(event, at, points=reply.points_awarded),
            lambda error, at: LoyaltyPointsRefused.after(event, at, error=error),
        )

    @activity.defn
    def loyalty_on_order_cancelled(self, event: OrderCancelled) -> list[Event]:
        """Take the points back. If they are not awarded yet, refuse to do so later."""
        with translated():
            reversal = self._loyalty.deduct(_request(event))
        return [LoyaltyPointsDeducted.after(event, now(), **undoing(reversal))]


def _request(event: OrderEvent) -> AwardLoyaltyPoints:
    return AwardLoyaltyPoints.of(event.order, event.idempotency_key("award_loyalty_points"))


#: The class whose methods are the service's activities. It takes the service's port.
HOST = LoyaltyActivities
