"""Environment in which Alembic runs a revision: the transaction of whoever opens the ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import text


def _note_format(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    """Write the format into the row of the ledger, where all programs look for it."""
    assert ctx.connection is not None
    version = int(str(step.up_revision_id).removeprefix("format_"))
    ctx.connection.execute(text("UPDATE ledger SET version = :version"), {"version": version})


context.configure(connection=context.config.attributes["connection"], on_version_apply=_note_format)
# Alembic neither begins nor commits a transaction if it is given one.
with context.begin_transaction():
    context.run_migrations()
