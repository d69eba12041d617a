"""Activities of the plainest order saga: each calls the same service as ours."""

from __future__ import annotations

from temporalio import activity

from activities.failures import translated
from messages.ids import OperationId
from messages.inventory import Reservation, ReserveInventory
from messages.loyalty import AwardLoyaltyPoints, PointsAward
from messages.orders import Order
from messages.payment import Payment, ProcessPayment
from messages.shipping import PrepareShipping, Shipment
from services.inventory import InventoryService
from services.loyalty import LoyaltyService
from services.mock import Services
from services.payment import PaymentService
from services.shipping import ShippingService


class BareActivities:
    """Actions and undos of the four services."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @activity.defn
    def reserve_inventory(self, order: Order) -> Reservation:
        with translated():
            return self._services.get(InventoryService).reserve(_reservation(order))

    @activity.defn
    def release_inventory(self, order: Order) -> None:
        self._services.get(InventoryService).release(_reservation(order))

    @activity.defn
    def process_payment(self, order: Order) -> Payment:
        with translated():
            return self._services.get(PaymentService).charge(_charge(order))

    @activity.defn
    def refund_payment(self, order: Order) -> None:
        self._services.get(PaymentService).refund(_charge(order))

    @activity.defn
    def prepare_shipping(self, order: Order) -> Shipment:
        with translated():
            return self._services.get(ShippingService).prepare(_shipment(order))

    @activity.defn
    def cancel_shipment(self, order: Order) -> None:
        self._services.get(ShippingService).cancel(_shipment(order))

    @activity.defn
    def award_loyalty_points(self, order: Order) -> PointsAward:
        request = AwardLoyaltyPoints.of(order, _key("award_loyalty_points"))
        with translated():
            return self._services.get(LoyaltyService).award(request)


def _reservation(order: Order) -> ReserveInventory:
    return ReserveInventory.of(order, _key("reserve_inventory"))


def _charge(order: Order) -> ProcessPayment:
    return ProcessPayment.of(order, _key("process_payment"))


def _shipment(order: Order) -> PrepareShipping:
    return PrepareShipping.of(order, _key("prepare_shipping"))


def _key(step: str) -> str:
    info = activity.info()
    return str(OperationId(info.workflow_id or "", info.workflow_run_id or "", step))
