"""Format 4: what an audit has proved."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text, text

revision = "format_4"
down_revision = "format_3"

_UNAUDITED = text("audited <> state OR settlement IS NOT NULL")


def upgrade() -> None:
    """Add it. So far, nothing is proved."""
    op.add_column("fence", Column("audited", Text, nullable=False, server_default=""))
    op.create_index(
        *("fence_unaudited", "fence", ["run_id"]),
        sqlite_where=_UNAUDITED,
        postgresql_where=_UNAUDITED,
    )
