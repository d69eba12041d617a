"""Activities of the invoice service: issue an invoice, and void it."""

from __future__ import annotations

from typing import Protocol

from temporalio import activity

from activities.answer import answer, now, undoing
from activities.failures import translated
from activities.ports import Settling
from messages.base import Reversal
from messages.events.base import Event, OrderEvent
from messages.events.invoice import InvoiceIssued, InvoiceRefused, InvoiceVoided
from messages.events.loyalty import LoyaltyPointsAwarded
from messages.events.order import OrderCancelled
from messages.invoice import Invoice, IssueInvoice
from messages.settling import Settle


class Invoices(Settling, Protocol):
    """Port of the invoice service."""

    def issue(self, request: IssueInvoice) -> Invoice: ...

    def void(self, request: IssueInvoice) -> Reversal: ...


class InvoiceActivities:
    """Activities of the invoice service: for the step of a saga, and as reactions to events.

    The reactions emit InvoiceIssued or InvoiceRefused, and InvoiceVoided.
    """

    def __init__(self, invoices: Invoices) -> None:
        self._invoices = invoices

    @activity.defn
    def issue_invoice(self, request: IssueInvoice) -> Invoice:
        with translated():
            return self._invoices.issue(request)

    @activity.defn
    def void_invoice(self, request: IssueInvoice) -> Reversal:
        with translated():
            return self._invoices.void(request)

    @activity.defn
    def settle_invoice(self, decision: Settle) -> Reversal:
        with translated():
            return self._invoices.settle(decision)

    @activity.defn
    def invoice_on_loyalty_points_awarded(self, event: LoyaltyPointsAwarded) -> list[Event]:
        """Issue the invoice, now that the points are awarded."""
        return answer(
            lambda: self._invoices.issue(_request(event)),
            lambda reply, at: InvoiceIssued.after(event, at, number=reply.number),
            lambda error, at: InvoiceRefused.after(event, at, error=error),
        )

    @activity.defn
    def invoice_on_order_cancelled(self, event: OrderCancelled) -> list[Event]:
        """Void the invoice. If it is not issued yet, refuse to issue it later."""
        with translated():
            reversal = self._invoices.void(_request(event))
        return [InvoiceVoided.after(event, now(), **undoing(reversal))]


def _request(event: OrderEvent) -> IssueInvoice:
    return IssueInvoice.of(event.order, event.idempotency_key("issue_invoice"))


#: The class whose methods are the service's activities. It takes the service's port.
HOST = InvoiceActivities
