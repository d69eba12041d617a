"""Activities of the payment service: charge the customer, and refund the charge."""

from __future__ import annotations

from typing import Protocol

from temporalio import activity

from activities.answer import answer, now, undoing
from activities.failures import translated
from activities.ports import Settling
from messages.base import Reversal
from messages.events.base import Event, OrderEvent
from messages.events.inventory import InventoryReserved
from messages.events.order import OrderCancelled
from messages.events.payment import PaymentFailed, PaymentRefunded, PaymentSucceeded
from messages.payment import Payment, ProcessPayment
from messages.settling import Settle


class Payments(Settling, Protocol):
    """Port of the payment service."""

    def charge(self, request: ProcessPayment) -> Payment: ...

    def refund(self, request: ProcessPayment) -> Reversal: ...


class PaymentActivities:
    """Activities of the payment service: for the step of a saga, and as reactions to events.

    The reactions emit PaymentSucceeded or PaymentFailed, and PaymentRefunded.
    """

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    @activity.defn(no_thread_cancel_exception=True)
    def process_payment(self, request: ProcessPayment) -> Payment:
        with translated():
            return self._payments.charge(request)

    @activity.defn
    def refund_payment(self, request: ProcessPayment) -> Reversal:
        with translated():
            return self._payments.refund(request)

    @activity.defn
    def settle_payment(self, decision: Settle) -> Reversal:
        with translated():
            return self._payments.settle(decision)

    @activity.defn
    def payment_on_inventory_reserved(self, event: InventoryReserved) -> list[Event]:
        """Charge the customer, now that the items are set aside."""
        return answer(
            lambda: self._payments.charge(_request(event)),
            lambda reply, at: PaymentSucceeded.after(
                event, at, transaction_id=reply.transaction_id
            ),
            lambda error, at: PaymentFailed.after(event, at, error=error),
        )

    @activity.defn
    def payment_on_order_cancelled(self, event: OrderCancelled) -> list[Event]:
        """Refund the charge. If there is none yet, refuse to charge later."""
        with translated():
            reversal = self._payments.refund(_request(event))
        return [PaymentRefunded.after(event, now(), **undoing(reversal))]


def _request(event: OrderEvent) -> ProcessPayment:
    return ProcessPayment.of(event.order, event.idempotency_key("process_payment"))


#: The class whose methods are the service's activities. It takes the service's port.
HOST = PaymentActivities
