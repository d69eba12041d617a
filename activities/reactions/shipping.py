"""The shipping service among events: takes PaymentSucceeded and OrderCancelled."""

from __future__ import annotations

from temporalio import activity

from activities.failures import translated
from activities.ports import Shipping
from activities.reactions.answer import answer, now, undoing
from messages.events.base import Event, OrderEvent
from messages.events.order import OrderCancelled
from messages.events.payment import PaymentSucceeded
from messages.events.shipping import ShipmentCancelled, ShipmentFailed, ShipmentPrepared
from messages.shipping import PrepareShipping


class ShippingReactions:
    """Tells ShipmentPrepared or ShipmentFailed, and ShipmentCancelled."""

    def __init__(self, shipping: Shipping) -> None:
        self._shipping = shipping

    @activity.defn
    def shipping_on_payment_succeeded(self, event: PaymentSucceeded) -> list[Event]:
        """Book the shipment, now that it is paid."""
        return answer(
            lambda: self._shipping.prepare(_request(event)),
            lambda reply, at: ShipmentPrepared.after(
                event, at, tracking_number=reply.tracking_number
            ),
            lambda error, at: ShipmentFailed.after(event, at, error=error),
        )

    @activity.defn
    def shipping_on_order_cancelled(self, event: OrderCancelled) -> list[Event]:
        """Cancel what was booked, or never book it."""
        with translated():
            reversal = self._shipping.cancel(_request(event))
        return [ShipmentCancelled.after(event, now(), **undoing(reversal))]


def _request(event: OrderEvent) -> PrepareShipping:
    return PrepareShipping(
        idempotency_key=event.idempotency_key("prepare_shipping"),
        order_id=event.order.order_id,
        user_id=event.order.user_id,
        address=event.order.shipping_address,
    )
