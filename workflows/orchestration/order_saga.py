"""The order saga: an order happens completely, or is undone completely."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.inventory import InventoryActivities
    from activities.loyalty import LoyaltyActivities
    from activities.payment import PaymentActivities
    from activities.shipping import ShippingActivities
    from messages import requests, wire
    from messages.base import Command
    from messages.failures import REFUSALS
    from messages.ids import order_saga_id
    from messages.inventory import Reservation
    from messages.loyalty import PointsAward
    from messages.orders import Order
    from messages.payment import Payment
    from messages.sagas import CancelOrder, ResolveCompensation, SagaSucceeded, SagaView
    from messages.shipping import Shipment

from workflows.closing import no_input
from workflows.orchestration.saga import Saga
from workflows.orchestration.step import Step
from workflows.policies import deadline_of

RESERVE_INVENTORY = Step(
    "reserve_inventory",
    action=InventoryActivities.reserve_inventory,
    compensation=InventoryActivities.release_inventory,
    reply=Reservation,
    refusals=REFUSALS,
    settlement=InventoryActivities.settle_inventory,
    service="inventory",
)
PROCESS_PAYMENT = Step(
    "process_payment",
    action=PaymentActivities.process_payment,
    compensation=PaymentActivities.refund_payment,
    reply=Payment,
    refusals=REFUSALS,
    settlement=PaymentActivities.settle_payment,
    service="payment",
)
PREPARE_SHIPPING = Step(
    "prepare_shipping",
    action=ShippingActivities.prepare_shipping,
    compensation=ShippingActivities.cancel_shipment,
    reply=Shipment,
    refusals=REFUSALS,
    settlement=ShippingActivities.settle_shipping,
    service="shipping",
)
AWARD_LOYALTY_POINTS = Step(
    "award_loyalty_points",
    action=LoyaltyActivities.award_loyalty_points,
    compensation=LoyaltyActivities.deduct_loyalty_points,
    reply=PointsAward,
    refusals=REFUSALS,
    settlement=LoyaltyActivities.settle_loyalty,
    service="loyalty",
)
STEPS = (RESERVE_INVENTORY, PROCESS_PAYMENT, PREPARE_SHIPPING, AWARD_LOYALTY_POINTS)


@workflow.defn(name=wire.ORDER_SAGA)
class OrderSaga:
    """Places one order with the four services."""

    # Not in run: an Update that comes along with the start is handled before run begins.
    @workflow.init
    def __init__(self, order: Order | None = None) -> None:
        if order is None:
            raise no_input("no order given")
        self._order = order
        self._saga = Saga(
            order_saga_id(order.order_id), STEPS, deadline_of(order), requests=self._requests
        )

    @workflow.run
    async def run(self, order: Order | None = None) -> SagaSucceeded:
        """Take the order through all steps, or back to where nothing happened.

        Raises:
            ApplicationError: the order was rolled back or cancelled, or is not an order.
        """
        return await self._saga.run(self._place)

    async def _place(self, saga: Saga) -> None:
        """Go the way forward; each step's compensation stands in its row above."""
        order = self._order
        await saga.step(RESERVE_INVENTORY, lambda key: requests.reserve_inventory(order, key))
        await saga.step(PROCESS_PAYMENT, lambda key: requests.process_payment(order, key))
        await saga.step(PREPARE_SHIPPING, lambda key: requests.prepare_shipping(order, key))
        await saga.step(AWARD_LOYALTY_POINTS, lambda key: requests.award_loyalty_points(order, key))

    def _requests(self) -> Mapping[str, Command]:
        info = workflow.info()
        return requests.requests_of(self._order, info.workflow_id, info.first_execution_run_id)

    @workflow.query(name=wire.STATUS)
    def status(self) -> SagaView:
        """Every step with its state and times."""
        return self._saga.view()

    @workflow.update(name=wire.CANCEL_ORDER)
    def cancel_order(self, request: CancelOrder) -> SagaView:
        """Take the order back; what stands of it is undone."""
        self._saga.cancel(request.reason)
        return self._saga.view()

    @cancel_order.validator
    def _may_cancel(self, request: CancelOrder) -> None:
        self._saga.check_cancel()

    @workflow.update(name=wire.RESOLVE_COMPENSATION)
    def resolve_compensation(self, decision: ResolveCompensation) -> SagaView:
        """Decide on a compensation that failed for good."""
        self._saga.resolve(decision)
        return self._saga.view()

    @resolve_compensation.validator
    def _may_resolve(self, decision: ResolveCompensation) -> None:
        self._saga.check_resolve(decision)
