"""Mock loyalty service: credits points to customers, and deducts them."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Table,
    Text,
    insert,
    select,
)

from messages.base import Reversal
from messages.currencies import decimals_of, minor_units
from messages.failures import LoyaltyAccountClosed
from messages.loyalty import AwardLoyaltyPoints, PointsAward
from services.fault_injection import fault_calls
from services.fence import fence
from services.fenced_service import FencedService
from services.journal import journal, post, reverse
from services.kept import Kept
from services.sql import Statement, metadata

#: Points per customer and currency, in hundredths of what is the minor unit of the currency, so in
#: ten-thousandths of a point for most. Points are 1 % of an amount, so this number is always whole.
points = Table(
    "points",
    metadata,
    Column("user_id", Text, primary_key=True),
    #: Currency of the orders that gave the points; empty for the shop's own.
    Column("currency", Text, primary_key=True, server_default=""),
    #: A customer whose account in the shop's own currency is closed gets no points in any.
    Column("closed", Boolean, nullable=False),
    Column("opening", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
)

#: The first award opens the account. No row is written if the account is closed.
_CREDIT = Statement("""
    INSERT INTO points (user_id, currency, closed, opening, balance)
    SELECT :user, :currency, false, 0, :amount
    WHERE NOT EXISTS (SELECT 1 FROM points WHERE user_id = :user AND currency = '' AND closed)
    ON CONFLICT (user_id, currency) DO UPDATE SET balance = points.balance + :amount
    WHERE NOT points.closed
""")
_DEDUCT = Statement("""
    UPDATE points SET balance = balance + :amount WHERE user_id = :user AND currency = :currency
""")

TABLES = (fence, journal, fault_calls, points)

CLOSED_ACCOUNTS = ("user_closed",)


def open_balance(tx: Connection) -> None:
    """Enter the closed accounts of a new ledger."""
    tx.execute(
        insert(points),
        [
            {"user_id": user, "currency": "", "closed": True, "opening": 0, "balance": 0}
            for user in CLOSED_ACCOUNTS
        ],
    )


class LoyaltyService(FencedService):
    """Mock service that credits points to customers."""

    refusal = LoyaltyAccountClosed("the loyalty account takes no points")

    def award(self, request: AwardLoyaltyPoints) -> PointsAward:
        """Credit points.

        Raises:
            LoyaltyAccountClosed: the customer's account takes no points.
        """
        award = PointsAward(award_id=f"award_{uuid4().hex}", points_awarded=request.points)
        return self._act(request, award, _award)

    def deduct(self, request: AwardLoyaltyPoints) -> Reversal:
        """Take the credited points back."""
        return self._undo(request, _deduct)


def _award(tx: Connection, request: AwardLoyaltyPoints, award: PointsAward) -> None:
    user, currency = request.user_id, request.currency_of_accounts
    amount = minor_units(request.points * 100, request.currency)
    if not _CREDIT.run(tx, {"user": user, "currency": currency, "amount": amount}):
        raise LoyaltyAccountClosed(f"the loyalty account of {user} is closed")
    post(tx, request.idempotency_key, "apply", {user: amount}, award.award_id, currency)


def _deduct(tx: Connection, request: AwardLoyaltyPoints) -> None:
    for user, amount in reverse(tx, request.idempotency_key).items():
        _DEDUCT.run(tx, {"user": user, "currency": request.currency_of_accounts, "amount": amount})


def _asked(request: AwardLoyaltyPoints) -> dict[str, int]:
    return {request.user_id: int(request.points * _scale(request.currency_of_accounts))}


def _scale(currency: str) -> int:
    return int(10 ** (decimals_of(currency) + 2))


SERVICE = LoyaltyService
BOOKS = Kept(
    unit="points",
    scale=_scale,
    sign=1,
    balances=select(points.c.user_id, points.c.currency, points.c.opening, points.c.balance),
    asked=_asked,
)
