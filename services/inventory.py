"""Mock inventory service: sets stock aside, and puts it back."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Table,
    Text,
    insert,
    literal,
    select,
)

from messages.base import Reversal
from messages.failures import OutOfStock, Refused, UnknownItem
from messages.inventory import Reservation, ReserveInventory
from services.fault_injection import fault_calls
from services.fence import fence
from services.fenced_service import FencedService
from services.journal import journal, post, reverse
from services.kept import Kept
from services.sql import Statement, metadata

#: Stock per item, in pieces. The constraint prevents overselling, even if the code has a mistake.
stock = Table(
    "stock",
    metadata,
    Column("item", Text, primary_key=True),
    Column("opening", BigInteger, nullable=False),
    Column("on_hand", BigInteger, CheckConstraint("on_hand >= 0"), nullable=False),
)

#: No row is written if there is less of the item.
_TAKE = Statement(
    "UPDATE stock SET on_hand = on_hand - :quantity WHERE item = :item AND on_hand >= :quantity"
)
_RETURN = Statement("UPDATE stock SET on_hand = on_hand + :quantity WHERE item = :item")

TABLES = (fence, journal, fault_calls, stock)

OPENING_STOCK = {
    **{f"item_{number}": 1_000_000 for number in range(1, 21)},
    "item_scarce": 3,
    "item_sold_out": 0,
}


def open_balance(tx: Connection) -> None:
    """Enter the opening stock of a new ledger."""
    tx.execute(
        insert(stock),
        [{"item": item, "opening": n, "on_hand": n} for item, n in OPENING_STOCK.items()],
    )


class InventoryService(FencedService):
    """Mock service that sets stock aside for orders."""

    refusal = OutOfStock("insufficient inventory")

    def reserve(self, request: ReserveInventory) -> Reservation:
        """Set all items aside, or none.

        Raises:
            UnknownItem: an item is not in the catalogue.
            OutOfStock: there is less of an item than asked for.
        """
        return self._act(request, Reservation(reservation_id=f"res_{uuid4().hex}"), _reserve)

    def release(self, request: ReserveInventory) -> Reversal:
        """Put the items back."""
        return self._undo(request, _release)


def _reserve(tx: Connection, request: ReserveInventory, reservation: Reservation) -> None:
    wanted: Counter[str] = Counter()
    for item in request.items:
        wanted[item.id] += item.quantity
    taken: dict[str, int] = {}
    # Every transaction locks items in the same order, so that two orders with common items
    # cannot deadlock.
    for item_id, quantity in sorted(wanted.items()):
        if not _TAKE.run(tx, {"item": item_id, "quantity": quantity}):
            raise _shortage(tx, item_id, quantity)
        taken[item_id] = -quantity
    post(tx, request.idempotency_key, "apply", taken, reservation.reservation_id)


def _shortage(tx: Connection, item: str, quantity: int) -> Refused:
    on_hand = tx.execute(select(stock.c.on_hand).where(stock.c.item == item)).scalar()
    if on_hand is None:
        return UnknownItem(f"unknown item {item!r}")
    return OutOfStock(f"{item}: {quantity} wanted, {on_hand} on hand")


def _release(tx: Connection, request: ReserveInventory) -> None:
    returned = reverse(tx, request.idempotency_key)
    _RETURN.run(tx, *({"item": item, "quantity": n} for item, n in returned.items()))


def _asked(request: ReserveInventory) -> dict[str, int]:
    wanted: Counter[str] = Counter()
    for item in request.items:
        wanted[item.id] -= item.quantity
    return dict(wanted)


SERVICE = InventoryService
BOOKS = Kept(
    unit="pieces",
    scale=lambda _: 1,
    sign=-1,
    balances=select(stock.c.item, literal(""), stock.c.opening, stock.c.on_hand),
    asked=_asked,
)
