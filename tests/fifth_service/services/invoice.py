"""Mock invoice service: issues invoices, and voids them."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import BigInteger, Boolean, Column, Connection, Table, Text, insert, select

from messages.base import Reversal
from messages.currencies import decimals_of, minor_units
from messages.failures import Refused
from messages.invoice import Invoice, IssueInvoice
from services.fault_injection import fault_calls
from services.fence import fence
from services.fenced_service import FencedService
from services.journal import journal, post, reverse
from services.kept import Kept
from services.sql import Statement, metadata

#: Sum of the valid invoices per customer and currency, in minor units of the currency.
billed = Table(
    "billed",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("blocked", Boolean, nullable=False),
    Column("opening", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
)

#: The first invoice opens the account. No row is written if the customer has no address.
_BILL = Statement("""
    INSERT INTO billed (user_id, currency, blocked, opening, units)
    VALUES (:user, :currency, false, 0, :units)
    ON CONFLICT (user_id, currency) DO UPDATE SET units = billed.units + :units
    WHERE NOT billed.blocked
""")
_VOID = Statement(
    "UPDATE billed SET units = units + :units WHERE user_id = :user AND currency = :currency"
)

TABLES = (fence, journal, fault_calls, billed)


class NoBillingAddress(Refused):
    """The customer has no billing address."""


def open_balance(tx: Connection) -> None:
    """Enter a customer without a billing address in a new ledger."""
    nowhere = {"user_id": "user_nowhere", "currency": "", "blocked": True}
    tx.execute(insert(billed).values(**nowhere, opening=0, units=0))


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
    user, currency = request.user_id, request.currency_of_accounts
    units = minor_units(request.amount, request.currency)
    if not _BILL.run(tx, {"user": user, "currency": currency, "units": units}):
        raise NoBillingAddress(f"{user} has no billing address")
    post(tx, request.idempotency_key, "apply", {user: units}, invoice.number, currency)


def _void(tx: Connection, request: IssueInvoice) -> None:
    for user, units in reverse(tx, request.idempotency_key).items():
        _VOID.run(tx, {"user": user, "currency": request.currency_of_accounts, "units": units})


def _asked(request: IssueInvoice) -> dict[str, int]:
    return {request.user_id: int(request.amount * _scale(request.currency_of_accounts))}


def _scale(currency: str) -> int:
    return int(10 ** decimals_of(currency))


SERVICE = InvoiceService
BOOKS = Kept(
    unit="money",
    scale=_scale,
    sign=1,
    balances=select(billed.c.user_id, billed.c.currency, billed.c.opening, billed.c.units),
    asked=_asked,
)
