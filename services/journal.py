"""Journal of a ledger: every effect and every reversal is an entry; entries never change."""

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
    bindparam,
    select,
)

from services.sql import Statement, machine_now, metadata

EntryKind = Literal["apply", "reverse"]

journal = Table(
    "journal",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    #: Idempotency key of the operation.
    Column("key", Text, nullable=False),
    #: ``apply`` or ``reverse``.
    Column("kind", Text, nullable=False),
    #: The account whose balance changes: an item, a customer or a shipment.
    Column("account", Text, nullable=False),
    #: Currency of the account; empty for the shop's own, and if the unit is no currency.
    Column("currency", Text, nullable=False, server_default=""),
    #: The change, in pieces, minor units of the currency, hundredths of them for points, or
    #: shipments.
    Column("amount", BigInteger, nullable=False),
    #: The id in the service's answer.
    Column("reference", Text, nullable=False),
    #: Time of the entry, UTC, by the clock of the service's machine.
    Column("at", Text, nullable=False),
)
# Even if the code has a mistake, no operation can be applied or reversed twice.
Index("journal_once", journal.c.key, journal.c.kind, journal.c.account, unique=True)


_ENTER = Statement(
    "INSERT INTO journal (key, kind, account, currency, amount, reference, at)"
    " VALUES (:key, :kind, :account, :currency, :amount, :reference, :at)"
)
_APPLIED = (
    select(journal.c.account, journal.c.currency, journal.c.amount, journal.c.reference)
    .where(journal.c.key == bindparam("of"), journal.c.kind == "apply")
    .order_by(journal.c.id)
)


def post(
    tx: Connection,
    key: str,
    kind: EntryKind,
    amounts: Mapping[str, int],
    reference: str,
    currency: str = "",
) -> None:
    """Post one entry per account; all accounts have the same currency."""
    entry = {"key": key, "kind": kind, "reference": reference, "at": machine_now()}
    entry["currency"] = currency
    entries = [{**entry, "account": of, "amount": amount} for of, amount in amounts.items()]
    _ENTER.run(tx, *entries)


def reverse(tx: Connection, key: str) -> dict[str, int]:
    """Post a counter-entry for each entry of the operation, and return the amounts.

    The amounts are in the order of those entries. So a compensation locks accounts in the same
    order as an action, and they cannot deadlock.
    """
    applied = tx.execute(_APPLIED, {"of": key}).all()
    counter = {entry.account: -entry.amount for entry in applied}
    post(tx, key, "reverse", counter, applied[0].reference, applied[0].currency)
    return counter
