"""Order saga: all four services do their part of an order, or every effect is undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from temporalio import workflow
from typing_extensions import Never

with workflow.unsafe.imports_passed_through():
    from activities.inventory import InventoryActivities
    from activities.loyalty import LoyaltyActivities
    from activities.payment import PaymentActivities
    from activities.shipping import ShippingActivities
    from messages import wire
    from messages.base import Reversal
    from messages.failures import REFUSALS
    from messages.ids import order_saga_id
    from messages.inventory import Reservation, ReserveInventory
    from messages.loyalty import AwardLoyaltyPoints, PointsAward
    from messages.orders import Order
    from messages.participants import BY_STEP, requests_of
    from messages.payment import Payment, ProcessPayment
    from messages.requests import StepRequest
    from messages.sagas import CancelOrder, ResolveCompensation, SagaSucceeded, SagaView
    from messages.shipping import PrepareShipping, Shipment

from workflows.closing import no_input
from workflows.orchestration.saga import Saga
from workflows.orchestration.step import ReplyT, RequestT, Step
from workflows.policies import deadline_of


def _step(
    *,
    action: Callable[[Never, RequestT], ReplyT],
    compensation: Callable[[Never, RequestT], Reversal],
    reply: type[ReplyT],
) -> Step[RequestT, ReplyT]:
    """Return the step whose action, compensation and reply these are."""
    participant = BY_STEP[action.__name__]
    return Step(
        participant.step,
        action=action,
        compensation=compensation,
        reply=reply,
        refusals=REFUSALS,
        settlement=participant.settlement,
        service=participant.service,
    )


RESERVE_INVENTORY = _step(
    action=InventoryActivities.reserve_inventory,
    compensation=InventoryActivities.release_inventory,
    reply=Reservation,
)
PROCESS_PAYMENT = _step(
    action=PaymentActivities.process_payment,
    compensation=PaymentActivities.refund_payment,
    reply=Payment,
)
PREPARE_SHIPPING = _step(
    action=ShippingActivities.prepare_shipping,
    compensation=ShippingActivities.cancel_shipment,
    reply=Shipment,
)
AWARD_LOYALTY_POINTS = _step(
    action=LoyaltyActivities.award_loyalty_points,
    compensation=LoyaltyActivities.deduct_loyalty_points,
    reply=PointsAward,
)
STEPS = (RESERVE_INVENTORY, PROCESS_PAYMENT, PREPARE_SHIPPING, AWARD_LOYALTY_POINTS)


@workflow.defn(name=wire.ORDER_SAGA)
class OrderSaga:
    """Workflow that takes one order through its four steps."""

    # In __init__, because the SDK handles an Update from the first task before run begins.
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
        """Take the order through all steps, or undo every effect.

        Raises:
            ApplicationError: the order was rolled back or cancelled, or the input is no order.
            CancelledError: the order was rolled back, because Temporal cancelled the run.
        """
        return await self._saga.run(self._place)

    async def _place(self, saga: Saga) -> None:
        """Run the steps in order; each one's compensation is named in its definition above."""
        order = self._order
        await saga.step(RESERVE_INVENTORY, lambda key: ReserveInventory.of(order, key))
        await saga.step(PROCESS_PAYMENT, lambda key: ProcessPayment.of(order, key))
        await saga.step(PREPARE_SHIPPING, lambda key: PrepareShipping.of(order, key))
        await saga.step(AWARD_LOYALTY_POINTS, lambda key: AwardLoyaltyPoints.of(order, key))

    def _requests(self) -> Mapping[str, StepRequest]:
        info = workflow.info()
        return requests_of(self._order, info.workflow_id, info.first_execution_run_id)

    @workflow.query(name=wire.STATUS)
    def status(self) -> SagaView:
        """Return every step with its state and times."""
        return self._saga.view()

    @workflow.update(name=wire.CANCEL_ORDER, description="cancel the order, and undo what was done")
    def cancel_order(self, request: CancelOrder) -> SagaView:
        """Cancel the order: no further step begins, and its effects are undone."""
        self._saga.cancel(request.reason)
        return self._saga.view()

    @cancel_order.validator
    def _may_cancel(self, request: CancelOrder) -> None:
        self._saga.check_cancel()

    @workflow.update(
        name=wire.RESOLVE_COMPENSATION, description="decide on a step that cannot be undone"
    )
    def resolve_compensation(self, decision: ResolveCompensation) -> SagaView:
        """Apply an operator's decision about a compensation that failed for good."""
        self._saga.resolve(decision)
        return self._saga.view()

    @resolve_compensation.validator
    def _may_resolve(self, decision: ResolveCompensation) -> None:
        self._saga.check_resolve(decision)
