"""Format 6: each worker's notes that it has the ledger open."""

from __future__ import annotations

from alembic import op

revision = "format_6"
down_revision = "format_5"


def upgrade() -> None:
    """Drop what the workers noted together; their own table is created as for a new ledger."""
    with op.batch_alter_table("ledger") as batch:
        batch.drop_column("closed")
        batch.drop_column("notes")
