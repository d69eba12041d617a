"""Changes that running workflows do not survive, one for each workflow type."""

from __future__ import annotations

import time
from collections.abc import Iterable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.deliveries import Delivered, Delivery
    from messages.events.base import OrderEvent
    from messages.inventory import ReserveInventory
    from messages.orders import Order
    from messages.payment import ProcessPayment
    from messages.reconciliation import Leftover, Reconcile, ReconciliationReport
    from messages.sagas import SagaSucceeded

from workflows.choreography.delivery import EventDelivery
from workflows.choreography.order_choreography import OrderChoreography
from workflows.orchestration.order_saga import PROCESS_PAYMENT, RESERVE_INVENTORY, OrderSaga
from workflows.orchestration.saga import Saga
from workflows.reconciliation.judging import RunJudge
from workflows.reconciliation.reconcile_orders import ReconcileOrders


@workflow.defn(name="OrderSaga")
class PaymentFirst(OrderSaga):
    """Charges before it reserves, and does no more than that."""

    @workflow.run
    async def run(self, order: Order | None = None) -> SagaSucceeded:
        return await self._saga.run(self._place)

    async def _place(self, saga: Saga) -> None:
        order = self._order
        await saga.step(
            PROCESS_PAYMENT,
            lambda key: ProcessPayment(
                idempotency_key=key,
                order_id=order.order_id,
                user_id=order.user_id,
                amount=order.total_amount,
            ),
        )
        await saga.step(
            RESERVE_INVENTORY,
            lambda key: ReserveInventory(
                idempotency_key=key, order_id=order.order_id, items=order.items
            ),
        )


@workflow.defn(name="OrderSaga")
class ByTheClock(OrderSaga):
    """Reads the machine's clock, which a replay would read anew."""

    @workflow.run
    async def run(self, order: Order | None = None) -> SagaSucceeded:
        time.time()
        return await super().run(order)


@workflow.defn(name="OrderChoreography")
class Untold(OrderChoreography):
    """Tells nobody of anything."""

    @workflow.run
    async def run(self, order: Order | None = None) -> SagaSucceeded:
        return await super().run(order)

    async def _tell(self, event: OrderEvent) -> None:
        self._account.record(event)


@workflow.defn(name="EventDelivery")
class Announced(EventDelivery):
    """Tells the order that it begins."""

    @workflow.run
    async def run(self, delivery: Delivery | None = None) -> Delivered:
        return await super().run(delivery)

    async def _deliver(self) -> Delivered:
        await self._report()
        return await super()._deliver()


@workflow.defn(name="ReconcileOrders")
class Unexamined(ReconcileOrders):
    """Finds runs, and looks at none of them."""

    @workflow.run
    async def run(self, request: Reconcile | None = None) -> ReconciliationReport:
        return await super().run(request)

    async def _look(self, bench: RunJudge, search: str, after: str) -> str:
        return ""

    async def _clear_up(self, leftovers: Iterable[Leftover]) -> None:
        return
