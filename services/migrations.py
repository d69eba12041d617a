"""Migrations of ledgers from older formats to the current one.

Format 1 had no decisions of operators, and an effect of an order could stand twice. Format 2 did
not record when an effect was sealed, nor from which time operations may be missing. Format 3 did
not record what an audit had proved. Format 4 knew one currency, and no telephone numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, inspect, text

from services.sql import Clock

_TO_FORMAT_2 = (
    *(
        f"ALTER TABLE ledger ADD COLUMN {column} TEXT"
        for column in (
            "created_at",
            "cluster_id",
            "namespace_id",
            "serves_since",
            "continuous_since",
            "seen_at",
        )
    ),
    "ALTER TABLE fence ADD COLUMN settlement TEXT",
    "ALTER TABLE fence ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE fence ADD COLUMN twin INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX fence_order ON fence (order_id)",
    # Effects that already stand twice are left alone; the audit reports them.
    "UPDATE fence SET twin = (SELECT count(*) FROM fence AS other"
    " WHERE other.order_id = fence.order_id AND other.step = fence.step"
    " AND other.state = 'applied' AND other.key < fence.key) WHERE state = 'applied'",
    "CREATE UNIQUE INDEX fence_standing ON fence (order_id, step, twin) WHERE state = 'applied'",
    "CREATE INDEX fence_unsealed ON fence (run_id) WHERE state = 'applied' AND sealed = 0",
    # The time of creation was not recorded, but the ledger existed when its first operation came.
    "UPDATE ledger SET version = 2, continuous_since = :now,"
    " created_at = coalesce((SELECT min(created_at) FROM fence), :now)",
)


_TO_FORMAT_3 = (
    "ALTER TABLE ledger ADD COLUMN closed INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE ledger ADD COLUMN notes INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE ledger ADD COLUMN missing_since TEXT",
    "CREATE INDEX fence_sealed ON fence (sealed) WHERE sealed > 0",
    "UPDATE ledger SET version = 3, closed = CASE WHEN seen_at IS NULL THEN 1 ELSE 0 END,"
    " seen_at = coalesce(seen_at, :now)",
)

_TO_FORMAT_4 = (
    "ALTER TABLE fence ADD COLUMN audited TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX fence_unaudited ON fence (run_id)"
    " WHERE audited <> state OR settlement IS NOT NULL",
    "UPDATE ledger SET version = 4",
)


_CURRENCY = "currency TEXT NOT NULL DEFAULT ''"
#: Tables whose accounts have a currency since format 5: the columns before, the first one of which
#: was the key, and the new definition for SQLite, which cannot change a key.
_WITH_CURRENCY = {
    "audited_accounts": (
        "account, amount",
        f"account TEXT NOT NULL, {_CURRENCY}, amount BIGINT NOT NULL,"
        " PRIMARY KEY (account, currency)",
    ),
    "credit": (
        "user_id, opening, available",
        f"user_id TEXT NOT NULL, {_CURRENCY}, opening BIGINT NOT NULL,"
        " available BIGINT NOT NULL CHECK (available >= 0), PRIMARY KEY (user_id, currency)",
    ),
    "points": (
        "user_id, closed, opening, balance",
        f"user_id TEXT NOT NULL, {_CURRENCY}, closed BOOLEAN NOT NULL, opening BIGINT NOT NULL,"
        " balance BIGINT NOT NULL, PRIMARY KEY (user_id, currency)",
    ),
}
_TO_FORMAT_5 = ("UPDATE ledger SET version = 5",)


# The time of sealing was not recorded; it was soon after the last decision.
_SEALED_AT = {
    "sqlite": "CAST(strftime('%s', updated_at) AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM CAST(updated_at AS timestamptz)) AS BIGINT)",
}
_WIDEN_SEALED = {
    "sqlite": (),
    "postgresql": ("ALTER TABLE fence ALTER COLUMN sealed TYPE BIGINT",),
}


def carry_over(tx: Connection, service: str) -> None:
    """Migrate the service's ledger to the current format; leave any other ledger unchanged."""
    if not inspect(tx).has_table("ledger"):
        return
    owner = tx.execute(text("SELECT service, version FROM ledger")).one_or_none()
    if owner is None or owner.service != service:
        return
    if owner.version == 1:
        _run(tx, _TO_FORMAT_2)
    if owner.version in (1, 2):
        dialect = tx.dialect.name
        sealed = f"UPDATE fence SET sealed = {_SEALED_AT[dialect]} WHERE sealed = 1"
        _run(tx, (*_WIDEN_SEALED[dialect], sealed, *_TO_FORMAT_3))
    if owner.version in (1, 2, 3):
        _run(tx, _TO_FORMAT_4)
    if owner.version in (1, 2, 3, 4):
        _run(tx, (*_added_columns(tx), *_TO_FORMAT_5))


def _added_columns(tx: Connection) -> Iterator[str]:
    """Yield the statements that add the columns of format 5 to the tables that the ledger has."""
    tables = inspect(tx).get_table_names()
    yield f"ALTER TABLE journal ADD COLUMN {_CURRENCY}"
    if "shipments" in tables:
        yield "ALTER TABLE shipments ADD COLUMN phone TEXT"
    for table, (columns, definition) in _WITH_CURRENCY.items():
        if table not in tables:
            continue
        if tx.dialect.name == "postgresql":
            yield f"ALTER TABLE {table} ADD COLUMN {_CURRENCY}"
            yield f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey"
            yield f"ALTER TABLE {table} ADD PRIMARY KEY ({columns.split(',')[0]}, currency)"
        else:
            yield f"ALTER TABLE {table} RENAME TO {table}_4"
            yield f"CREATE TABLE {table} ({definition})"
            yield f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}_4"
            yield f"DROP TABLE {table}_4"


def _run(tx: Connection, statements: Iterable[str]) -> None:
    now = Clock(tx).text
    for statement in statements:
        tx.execute(text(statement), {"now": now} if ":now" in statement else {})
