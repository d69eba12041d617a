"""Format 1: the first one. A ledger of that format was made without Alembic."""

from __future__ import annotations

revision = "format_1"
down_revision = None


def upgrade() -> None:
    """Do nothing."""
