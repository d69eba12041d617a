"""The journal: every effect and every reversal is an entry; entries are never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    insert,
    select,
)

from services.sql import machine_now, metadata

EntryKind = Literal["apply", "reverse"]

journal = Table(
    "journal",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    #: Idempotency key of the operation.
    Column("key", Text, nullable=False),
    #: apply or reverse.
    Column("kind", Text, nullable=False),
    #: Whose balance changes: an item, a customer or a shipment.
    Column("account", Text, nullable=False),
    #: The change: pieces, cents, ten-thousandths of a point, or one shipment.
    Column("amount", BigInteger, nullable=False),
    #: The id that the service's answer carries.
    Column("reference", Text, nullable=False),
    #: When it was posted, UTC.
    Column("at", Text, nullable=False),
)
# Even a mistake in the code above this table cannot apply or reverse an operation twice.
Index("journal_once", journal.c.key, journal.c.kind, journal.c.account, unique=True)


def post(
    tx: Connection, key: str, kind: EntryKind, amounts: Mapping[str, int], reference: str
) -> None:
    """Post one entry per account."""
    at = machine_now()
    tx.execute(
        insert(journal),
        [
            {
                "key": key,
                "kind": kind,
                "account": account,
                "amount": amount,
                "reference": reference,
                "at": at,
            }
            for account, amount in amounts.items()
        ],
    )


def reverse(tx: Connection, key: str) -> dict[str, int]:
    """Post the counter-entry of everything the operation applied, and return those amounts.

    The amounts come in the order in which they were applied: who locks accounts in the
    same order cannot deadlock.
    """
    applied = tx.execute(
        select(journal)
        .where(journal.c.key == key, journal.c.kind == "apply")
        .order_by(journal.c.id)
    ).all()
    counter = {entry.account: -entry.amount for entry in applied}
    post(tx, key, "reverse", counter, applied[0].reference)
    return counter
