"""The tables of older ledgers, carried over to today's format.

Format 1 had no decisions of operators, and let an order's effect stand twice.
"""

from __future__ import annotations

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
    # What stands twice already goes on standing; it is the audit that names it.
    "UPDATE fence SET twin = (SELECT count(*) FROM fence AS other"
    " WHERE other.order_id = fence.order_id AND other.step = fence.step"
    " AND other.state = 'applied' AND other.key < fence.key) WHERE state = 'applied'",
    "CREATE UNIQUE INDEX fence_standing ON fence (order_id, step, twin) WHERE state = 'applied'",
    "CREATE INDEX fence_unsealed ON fence (run_id) WHERE state = 'applied' AND sealed = 0",
    # The first operation is the earliest that such a ledger is known to have existed.
    "UPDATE ledger SET version = 2, continuous_since = :now,"
    " created_at = coalesce((SELECT min(created_at) FROM fence), :now)",
)


def carry_over(tx: Connection, service: str) -> None:
    """Bring the service's ledger of an older format to today's; leave others as they are."""
    if not inspect(tx).has_table("ledger"):
        return
    owner = tx.execute(text("SELECT service, version FROM ledger")).one_or_none()
    if owner is None or tuple(owner) != (service, 1):
        return
    for statement in _TO_FORMAT_2:
        tx.execute(text(statement), {"now": Clock(tx).text} if ":now" in statement else {})
