"""A shipment is booked, and cancelled."""

from __future__ import annotations

from temporalio import activity

from activities.failures import translated
from activities.ports import Shipping
from messages.base import Reversal
from messages.settling import Settle
from messages.shipping import PrepareShipping, Shipment


class ShippingActivities:
    """The shipping steps of a saga, over the shipping service."""

    def __init__(self, shipping: Shipping) -> None:
        self._shipping = shipping

    @activity.defn
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
