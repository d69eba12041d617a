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
    update,
)

from messages.base import Reversal
from messages.failures import PaymentDeclined
from messages.payment import Payment, ProcessPayment
from services.fault_injection import fault_calls
from services.fence import fence
from services.fenced_service import FencedService
from services.journal import journal, post, reverse
from services.kept import Kept
from services.sql import insert_new, metadata

#: Credit per customer, in cents.
credit = Table(
    "credit",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("opening", BigInteger, nullable=False),
    Column("available", BigInteger, CheckConstraint("available >= 0"), nullable=False),
)

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
        return self._act(request, Payment, _charge)

    def refund(self, request: ProcessPayment) -> Reversal:
        """Refund the charge."""
        return self._undo(request, _refund)


def _charge(tx: Connection, request: ProcessPayment) -> Payment:
    user, cents = request.user_id, to_cents(request.amount)
    insert_new(
        tx,
        credit,
        {"user_id": user, "opening": DEFAULT_CREDIT, "available": DEFAULT_CREDIT},
    )
    account = tx.execute(credit.select().where(credit.c.user_id == user).with_for_update()).one()
    if account.available < cents:
        left = Decimal(account.available).scaleb(-2)
        raise PaymentDeclined(f"payment declined: {request.amount} to pay, {left} left")
    _move(tx, user, -cents)
    transaction = f"txn_{uuid4().hex}"
    post(tx, request.idempotency_key, "apply", {user: -cents}, transaction)
    return Payment(transaction_id=transaction)


def _refund(tx: Connection, request: ProcessPayment) -> None:
    for user, cents in reverse(tx, request.idempotency_key).items():
        _move(tx, user, cents)


def _move(tx: Connection, user: str, cents: int) -> None:
    tx.execute(
        update(credit).where(credit.c.user_id == user).values(available=credit.c.available + cents)
    )


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
