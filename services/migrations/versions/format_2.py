"""Format 2: decisions of operators, one standing effect per order and step, and a home."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, Text, text

from services.sql import Clock

revision = "format_2"
down_revision = "format_1"

_IDENTITY = (
    *("created_at", "cluster_id", "namespace_id"),
    *("serves_since", "continuous_since", "seen_at"),
)
_APPLIED = text("state = 'applied'")
_UNSEALED = text("state = 'applied' AND sealed = 0")


def upgrade() -> None:
    """Add them. Effects that already stand twice are left alone; the audit reports them."""
    for column in _IDENTITY:
        op.add_column("ledger", Column(column, Text))
    op.add_column("fence", Column("settlement", Text))
    op.add_column("fence", Column("sealed", Integer, nullable=False, server_default="0"))
    op.add_column("fence", Column("twin", Integer, nullable=False, server_default="0"))
    op.create_index("fence_order", "fence", ["order_id"])
    op.execute(
        "UPDATE fence SET twin = (SELECT count(*) FROM fence AS other"
        " WHERE other.order_id = fence.order_id AND other.step = fence.step"
        " AND other.state = 'applied' AND other.key < fence.key) WHERE state = 'applied'"
    )
    op.create_index(
        "fence_standing",
        "fence",
        ["order_id", "step", "twin"],
        unique=True,
        sqlite_where=_APPLIED,
        postgresql_where=_APPLIED,
    )
    op.create_index(
        *("fence_unsealed", "fence", ["run_id"]),
        sqlite_where=_UNSEALED,
        postgresql_where=_UNSEALED,
    )
    # The time of creation was not recorded, but the ledger existed when its first operation came.
    op.execute(
        text(
            "UPDATE ledger SET continuous_since = :now,"
            " created_at = coalesce((SELECT min(created_at) FROM fence), :now)"
        ).bindparams(now=Clock(op.get_bind()).text)
    )
