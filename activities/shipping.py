"""Activities of the shipping service: book a shipment, and cancel it."""

from __future__ import annotations

from typing import Protocol

from temporalio import activity

from activities.answer import answer, now, undoing
from activities.failures import translated
from activities.ports import Settling
from messages.base import Reversal
from messages.events.base import Event, OrderEvent
from messages.events.order import OrderCancelled
from messages.events.payment import PaymentSucceeded
from messages.events.shipping import ShipmentCancelled, ShipmentFailed, ShipmentPrepared
from messages.settling import Settle
from messages.shipping import PrepareShipping, Shipment


class Shipping(Settling, Protocol):
    """Port of the shipping service."""

    def prepare(self, request: PrepareShipping) -> Shipment: ...

    def cancel(self, request: PrepareShipping) -> Reversal: ...


class ShippingActivities:
    """Activities of the shipping service: for the step of a saga, and as reactions to events.

    The reactions emit ShipmentPrepared or ShipmentFailed, and ShipmentCancelled.
    """

    def __init__(self, shipping: Shipping) -> None:
        self._shipping = shipping

    @activity.defn(no_thread_cancel_exception=True)
    def prepare_shipping(self, request: PrepareShipping) -> Shipment:
        with translated():
            return self._shipping.prepare(request)

    @activity.defn
    def cancel_shipment(self, request: PrepareShipping) -> Reversal:
        with translated():
            return self._shipping.cancel(request)

    @activity.defn
    def settle_shipping(self, decision: Settle) -> Reversal:
        with translated():
            return self._shipping.settle(decision)

    @activity.defn
    def shipping_on_payment_succeeded(self, event: PaymentSucceeded) -> list[Event]:
        """Book the shipment, now that the order is paid."""
        return answer(
            lambda: self._shipping.prepare(_request(event)),
            lambda reply, at: ShipmentPrepared.after(
                event, at, tracking_number=reply.tracking_number
            ),
            lambda error, at: ShipmentFailed.after(event, at, error=error),
        )

    @activity.defn
    def shipping_on_order_cancelled(self, event: OrderCancelled) -> list[Event]:
        """Cancel the shipment. If it is not booked yet, refuse to book it later."""
        with translated():
            reversal = self._shipping.cancel(_request(event))
        return [ShipmentCancelled.after(event, now(), **undoing(reversal))]


def _request(event: OrderEvent) -> PrepareShipping:
    return PrepareShipping.of(event.order, event.idempotency_key("prepare_shipping"))


#: The class whose methods are the service's activities. It takes the service's port.
HOST = ShippingActivities
