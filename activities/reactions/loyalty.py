"""The loyalty service among events: takes ShipmentPrepared and OrderCancelled."""

from __future__ import annotations

from temporalio import activity

from activities.failures import translated
from activities.ports import Loyalty
from activities.reactions.answer import answer, now, undoing
from messages.events.base import Event, OrderEvent
from messages.events.loyalty import (
    LoyaltyPointsAwarded,
    LoyaltyPointsDeducted,
    LoyaltyPointsRefused,
)
from messages.events.order import OrderCancelled
from messages.events.shipping import ShipmentPrepared
from messages.loyalty import AwardLoyaltyPoints


class LoyaltyReactions:
    """Tells LoyaltyPointsAwarded or LoyaltyPointsRefused, and LoyaltyPointsDeducted."""

    def __init__(self, loyalty: Loyalty) -> None:
        self._loyalty = loyalty

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
    return AwardLoyaltyPoints(
        idempotency_key=event.idempotency_key("award_loyalty_points"),
        order_id=event.order.order_id,
        user_id=event.order.user_id,
        points=event.order.loyalty_points,
    )
