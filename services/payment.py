"""Mock payment service: charges customers' credit, and refunds it."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Table,
    Text,
    insert,
    select,
)

from messages.base import Reversal
from messages.currencies import amount_in_words, decimals_of, minor_units
from messages.failures import PaymentDeclined
from messages.payment import Payment, ProcessPayment
from services.fault_injection import fault_calls
from services.fence import fence
from services.fenced_service import FencedService
from services.journal import journal, post, reverse
from services.kept import Kept
from services.sql import Statement, metadata

#: Credit per customer and currency, in minor units of the currency.
credit = Table(
    "credit",
    metadata,
    Column("user_id", Text, primary_key=True),
    #: Empty for the shop's own.
    Column("currency", Text, primary_key=True, server_default=""),
    Column("opening", BigInteger, nullable=False),
    Column("available", BigInteger, CheckConstraint("available >= 0"), nullable=False),
)

#: The first charge opens the account. No row is written if the credit does not cover the amount.
_CHARGE = Statement("""
    INSERT INTO credit (user_id, currency, opening, available)
    VALUES (:user, :currency, :opening, :left)
    ON CONFLICT (user_id, currency) DO UPDATE SET available = credit.available - :units
    WHERE credit.available >= :units
""")
_REFUND = Statement("""
    UPDATE credit SET available = available + :units WHERE user_id = :user AND currency = :currency
""")

TABLES = (fence, journal, fault_calls, credit)

#: Customers with a special credit: so much in each currency.
OPENING_CREDIT = {"user_broke": Decimal(0), "user_limited": Decimal(100)}
#: Credit of any other customer in each currency.
DEFAULT_CREDIT = Decimal(10_000_000)


def open_balance(tx: Connection) -> None:
    """Enter the customers with a special credit in a new ledger."""
    opening = {user: _opening(user, None) for user in OPENING_CREDIT}
    tx.execute(
        insert(credit),
        [
            {"user_id": user, "currency": "", "opening": units, "available": units}
            for user, units in opening.items()
        ],
    )


class PaymentService(FencedService):
    """Mock service that charges customers."""

    refusal = PaymentDeclined("payment declined by bank")

    def charge(self, request: ProcessPayment) -> Payment:
        """Charge the customer; an amount of zero is recorded like any other.

        Raises:
            PaymentDeclined: the credit does not cover the amount.
        """
        return self._act(request, Payment(transaction_id=f"txn_{uuid4().hex}"), _charge)

    def refund(self, request: ProcessPayment) -> Reversal:
        """Refund the charge."""
        return self._undo(request, _refund)


def _charge(tx: Connection, request: ProcessPayment, payment: Payment) -> None:
    units, opening = _units(request), _opening(request.user_id, request.currency)
    account = {"user": request.user_id, "currency": request.currency_of_accounts}
    # Nobody has more credit than at first.
    charged = units <= opening and _CHARGE.run(
        tx, {**account, "opening": opening, "left": opening - units, "units": units}
    )
    if not charged:
        wanted = amount_in_words(request.amount, request.currency)
        left = amount_in_words(_available(tx, request, opening), request.currency)
        raise PaymentDeclined(f"payment declined: {wanted} to pay, {left} left")
    post(
        *(tx, request.idempotency_key, "apply", {request.user_id: -units}),
        *(payment.transaction_id, request.currency_of_accounts),
    )


def _units(request: ProcessPayment) -> int:
    return minor_units(request.amount, request.currency)


def _opening(user: str, currency: str | None) -> int:
    return minor_units(OPENING_CREDIT.get(user, DEFAULT_CREDIT), currency)


def _available(tx: Connection, request: ProcessPayment, opening: int) -> Decimal:
    units = tx.execute(
        select(credit.c.available).where(
            credit.c.user_id == request.user_id,
            credit.c.currency == request.currency_of_accounts,
        )
    ).scalar()
    return Decimal(opening if units is None else units).scaleb(-decimals_of(request.currency))


def _refund(tx: Connection, request: ProcessPayment) -> None:
    for user, units in reverse(tx, request.idempotency_key).items():
        _REFUND.run(tx, {"user": user, "currency": request.currency_of_accounts, "units": units})


def _asked(request: ProcessPayment) -> dict[str, int]:
    return {request.user_id: -int(request.amount * _scale(request.currency_of_accounts))}


def _scale(currency: str) -> int:
    return int(10 ** decimals_of(currency))


SERVICE = PaymentService
BOOKS = Kept(
    unit="money",
    scale=_scale,
    sign=-1,
    balances=select(credit.c.user_id, credit.c.currency, credit.c.opening, credit.c.available),
    asked=_asked,
)
