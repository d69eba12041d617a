"""Format 3: when an effect was sealed, and from which time operations may be missing."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, text

from services.sql import Clock

revision = "format_3"
down_revision = "format_2"

# The time of sealing was not recorded; it was soon after the last decision.
_SEALED_AT = {
    "sqlite": "CAST(strftime('%s', updated_at) AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM CAST(updated_at AS timestamptz)) AS BIGINT)",
}
_SEALED = text("sealed > 0")


def upgrade() -> None:
    """Add them."""
    dialect = op.get_context().dialect.name
    if dialect == "postgresql":  # SQLite's integers have 64 bits
        op.alter_column("fence", "sealed", type_=BigInteger)
    op.execute(f"UPDATE fence SET sealed = {_SEALED_AT[dialect]} WHERE sealed = 1")
    op.add_column("ledger", Column("closed", Integer, nullable=False, server_default="0"))
    op.add_column("ledger", Column("notes", Integer, nullable=False, server_default="0"))
    op.add_column("ledger", Column("missing_since", Text))
    op.create_index(
        *("fence_sealed", "fence", ["sealed"]), sqlite_where=_SEALED, postgresql_where=_SEALED
    )
    op.execute(
        text(
            "UPDATE ledger SET closed = CASE WHEN seen_at IS NULL THEN 1 ELSE 0 END,"
            " seen_at = coalesce(seen_at, :now)"
        ).bindparams(now=Clock(op.get_bind()).text)
    )
