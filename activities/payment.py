"""The customer is charged, and refunded."""

from __future__ import annotations

from temporalio import activity

from activities.failures import translated
from activities.ports import Payments
from messages.base import Reversal
from messages.payment import Payment, ProcessPayment
from messages.settling import Settle


class PaymentActivities:
    """The payment steps of a saga, over the payment service."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    @activity.defn
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
