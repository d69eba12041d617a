"""Mock loyalty service: credits points to customers, and deducts them."""

from __future__ import annotations

from decimal import Decimal
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
from messages.failures import LoyaltyAccountClosed
from messages.loyalty import AwardLoyaltyPoints, PointsAward
from services.fault_injection import fault_calls
from services.fence import fence
from services.fenced_service import FencedService
from services.journal import journal, post, reverse
from services.kept import Kept
from services.sql import Statement, metadata

#: Points per customer, in ten-thousandths of a point. Points are 1 % of an amount in cents, so
#: this number is always whole.
points = Table(
    "points",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("closed", Boolean, nullable=False),
    Column("opening", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
)

#: The first award opens the account. No row is written if the account is closed.
_CREDIT = Statement("""
    INSERT INTO points (user_id, closed, opening, balance) VALUES (:user, false, 0, :amount)
    ON CONFLICT (user_id) DO UPDATE SET balance = points.balance + :amount
    WHERE NOT points.closed
""")
_DEDUCT = Statement("UPDATE points SET balance = balance + :amount WHERE user_id = :user")

TABLES = (fence, journal, fault_calls, points)

CLOSED_ACCOUNTS = ("user_closed",)


def open_balance(tx: Connection) -> None:
    """Enter the closed accounts of a new ledger."""
    tx.execute(
        insert(points),
        [{"user_id": user, "closed": True, "opening": 0, "balance": 0} for user in CLOSED_ACCOUNTS],
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
    user, amount = request.user_id, to_ten_thousandths(request.points)
    if not _CREDIT.run(tx, {"user": user, "amount": amount}):
        raise LoyaltyAccountClosed(f"the loyalty account of {user} is closed")
    post(tx, request.idempotency_key, "apply", {user: amount}, award.award_id)


def _deduct(tx: Connection, request: AwardLoyaltyPoints) -> None:
    for user, amount in reverse(tx, request.idempotency_key).items():
        _DEDUCT.run(tx, {"user": user, "amount": amount})


def to_ten_thousandths(amount: Decimal) -> int:
    """Convert points to ten-thousandths of a point, exactly."""
    return int(amount.scaleb(4))


def _asked(request: AwardLoyaltyPoints) -> dict[str, int]:
    return {request.user_id: int(request.points * 10_000)}


SERVICE = LoyaltyService
BOOKS = Kept(
    unit="points",
    scale=10_000,
    sign=1,
    balances=select(points.c.user_id, points.c.opening, points.c.balance),
    asked=_asked,
)
