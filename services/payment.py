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
from messages.failures import PaymentDeclined
from messages.payment import Payment, ProcessPayment
from services.fault_injection import fault_calls
from services.fence import fence
from services.fenced_service import FencedService
from services.journal import journal, post, reverse
from services.kept import Kept
from services.sql import Statement, metadata

#: Credit per customer, in cents.
credit = Table(
    "credit",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("opening", BigInteger, nullable=False),
    Column("available", BigInteger, CheckConstraint("available >= 0"), nullable=False),
)

#: The first charge opens the account. No row is written if the credit does not cover the amount.
_CHARGE = Statement("""
    INSERT INTO credit (user_id, opening, available) VALUES (:user, :opening, :left)
    ON CONFLICT (user_id) DO UPDATE SET available = credit.available - :cents
    WHERE credit.available >= :cents
""")
_REFUND = Statement("UPDATE credit SET available = available + :cents WHERE user_id = :user")

TABLES = (fence, journal, fault_calls, credit)

OPENING_CREDIT = {"user_broke": 0, "user_limited": 100_00}
#: Credit of a customer who is charged for the first time, in cents.
DEFAULT_CREDIT = 10_000_000_00


def open_balance(tx: Connection) -> None:
    """Enter the customers with a special credit in a new ledger."""
    tx.execute(
        insert(credit),
        [
            {"user_id": user, "opening": cents, "available": cents}
            for user, cents in OPENING_CREDIT.items()
        ],
    )


class PaymentService(FencedService):
    """Mock service that charges customers."""

    refusal = PaymentDeclined("payment declined by bank")

    def charge(self, request: ProcessPayment) -> Payment:
        """Charge the customer.

        Raises:
            PaymentDeclined: the credit does not cover the amount.
        """
        return self._act(request, Payment(transaction_id=f"txn_{uuid4().hex}"), _charge)

    def refund(self, request: ProcessPayment) -> Reversal:
        """Refund the charge."""
        return self._undo(request, _refund)


def _charge(tx: Connection, request: ProcessPayment, payment: Payment) -> None:
    user, cents = request.user_id, to_cents(request.amount)
    # Nobody has more credit than the default.
    charged = cents <= DEFAULT_CREDIT and _CHARGE.run(
        tx,
        {"user": user, "opening": DEFAULT_CREDIT, "left": DEFAULT_CREDIT - cents, "cents": cents},
    )
    if not charged:
        left = Decimal(_available(tx, user)).scaleb(-2)
        raise PaymentDeclined(f"payment declined: {request.amount} to pay, {left} left")
    post(tx, request.idempotency_key, "apply", {user: -cents}, payment.transaction_id)


def _available(tx: Connection, user: str) -> int:
    available = tx.execute(select(credit.c.available).where(credit.c.user_id == user)).scalar()
    return DEFAULT_CREDIT if available is None else available


def _refund(tx: Connection, request: ProcessPayment) -> None:
    for user, cents in reverse(tx, request.idempotency_key).items():
        _REFUND.run(tx, {"user": user, "cents": cents})


def to_cents(amount: Decimal) -> int:
    """Convert an amount to cents, exactly."""
    return int(amount.scaleb(2))


def _asked(request: ProcessPayment) -> dict[str, int]:
    return {request.user_id: -int(request.amount * 100)}


SERVICE = PaymentService
BOOKS = Kept(
    unit="money",
    scale=100,
    sign=-1,
    balances=select(credit.c.user_id, credit.c.opening, credit.c.available),
    asked=_asked,
)
