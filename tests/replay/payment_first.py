"""A change that running orders do not survive: the same saga with two steps exchanged."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.inventory import ReserveInventory
    from messages.orders import Order
    from messages.payment import ProcessPayment
    from messages.sagas import SagaSucceeded

from workflows.orchestration.order_saga import PROCESS_PAYMENT, RESERVE_INVENTORY, OrderSaga
from workflows.orchestration.saga import Saga


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
