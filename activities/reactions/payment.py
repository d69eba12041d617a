"""The payment service among events: takes InventoryReserved and OrderCancelled."""

from __future__ import annotations

from temporalio import activity

from activities.failures import translated
from activities.ports import Payments
from activities.reactions.answer import answer, now, undoing
from messages.events.base import Event, OrderEvent
from messages.events.inventory import InventoryReserved
from messages.events.order import OrderCancelled
from messages.events.payment import PaymentFailed, PaymentRefunded, PaymentSucceeded
from messages.payment import ProcessPayment


class PaymentReactions:
    """Tells PaymentSucceeded or PaymentFailed, and PaymentRefunded."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    @activity.defn
    def payment_on_inventory_reserved(self, event: InventoryReserved) -> list[Event]:
        """Charge the customer, now that the items are there."""
        return answer(
            lambda: self._payments.charge(_request(event)),
            lambda reply, at: PaymentSucceeded.after(
                event, at, transaction_id=reply.transaction_id
            ),
            lambda error, at: PaymentFailed.after(event, at, error=error),
        )

    @activity.defn
    def payment_on_order_cancelled(self, event: OrderCancelled) -> list[Event]:
        """Give back what was charged, or never charge it."""
        with translated():
            reversal = self._payments.refund(_request(event))
        return [PaymentRefunded.after(event, now(), **undoing(reversal))]


def _request(event: OrderEvent) -> ProcessPayment:
    return ProcessPayment(
        idempotency_key=event.idempotency_key("process_payment"),
        order_id=event.order.order_id,
        user_id=event.order.user_id,
        amount=event.order.total_amount,
    )
