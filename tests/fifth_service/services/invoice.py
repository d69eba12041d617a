"""Mock invoice service: issues invoices, and voids them."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import BigInteger, Boolean, Column, Connection, Table, Text, insert, select

from messages.base import Reversal
from messages.failures import Refused
from messages.invoice import Invoice, IssueInvoice
from services.fault_injection import fault_calls
from services.fence import fence
from services.fenced_service import FencedService
from services.journal import journal, post, reverse
from services.kept import Kept
from services.sql import Statement, metadata

#: Sum of the valid invoices per customer, in cents.
billed = Table(
    "billed",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("blocked", Boolean, nullable=False),
    Column("opening", BigInteger, nullable=False),
    Column("cents", BigInteger, nullable=False),
)

#: The first invoice opens the account. No row is written if the customer has no address.
_BILL = Statement("""
    INSERT INTO billed (user_id, blocked, opening, cents) VALUES (:user, false, 0, :cents)
    ON CONFLICT (user_id) DO UPDATE SET cents = billed.cents + :cents
    WHERE NOT billed.blocked
""")
_VOID = Statement("UPDATE billed SET cents = cents + :cents WHERE user_id = :user")

TABLES = (fence, journal, fault_calls, billed)


class NoBillingAddress(Refused):
    """The customer has no billing address."""


def open_balance(tx: Connection) -> None:
    """Enter a customer without a billing address in a new ledger."""
    tx.execute(insert(billed).values(user_id="user_nowhere", blocked=True, opening=0, cents=0))


class InvoiceService(FencedService):
    """Mock service that issues invoices to customers."""

    refusal = NoBillingAddress("the customer has no billing address")

    def issue(self, request: IssueInvoice) -> Invoice:
        """Issue an invoice.

        Raises:
            NoBillingAddress: the customer has no billing address.
        """
        return self._act(request, Invoice(number=f"inv_{uuid4().hex}"), _issue)

    def void(self, request: IssueInvoice) -> Reversal:
        """Void the invoice."""
        return self._undo(request, _void)


def _issue(tx: Connection, request: IssueInvoice, invoice: Invoice) -> None:
    user, cents = request.user_id, int(request.amount.scaleb(2))
    if not _BILL.run(tx, {"user": user, "cents": cents}):
        raise NoBillingAddress(f"{user} has no billing address")
    post(tx, request.idempotency_key, "apply", {user: cents}, invoice.number)


def _void(tx: Connection, request: IssueInvoice) -> None:
    for user, cents in reverse(tx, request.idempotency_key).items():
        _VOID.run(tx, {"user": user, "cents": cents})


def _asked(request: IssueInvoice) -> dict[str, int]:
    return {request.user_id: int(request.amount * 100)}


SERVICE = InvoiceService
BOOKS = Kept(
    unit="money",
    scale=100,
    sign=1,
    balances=select(billed.c.user_id, billed.c.opening, billed.c.cents),
    asked=_asked,
)
