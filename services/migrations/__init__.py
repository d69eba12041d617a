"""Migrations of ledgers from older formats to the current one, by Alembic.

Each format is a revision in ``versions``. The row of the ledger has the format as a number, since
programs from before Alembic read it there; Alembic's table ``alembic_version`` follows it.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from sqlalchemy import Column, Connection, PrimaryKeyConstraint, String, Table, inspect, text

from services.identity import FORMAT
from services.sql import metadata

#: As Alembic creates it; so a new ledger does not need Alembic, whose import takes a fifth of a
#: second.
_revision = Table(
    "alembic_version",
    metadata,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
TABLES = (_revision,)

_STAMP = text(
    "INSERT INTO alembic_version (version_num) SELECT CAST(:revision AS VARCHAR(32))"
    " WHERE NOT EXISTS (SELECT 1 FROM alembic_version)"
)
# Alembic hands its context to a revision through a global variable.
_one_at_a_time = Lock()


def upgrade(tx: Connection, service: str) -> int | None:
    """Migrate the service's ledger to the current format, as a part of the transaction.

    Returns the format that it had. A ledger that is new, current, newer or another service's stays
    as it is, and None is returned.
    """
    if not inspect(tx).has_table("ledger"):
        return None
    owner = tx.execute(text("SELECT service, version FROM ledger")).one_or_none()
    if owner is None or owner.service != service or owner.version >= FORMAT:
        return None
    if tx.dialect.name == "postgresql":
        # It takes as long as the ledger is large.
        tx.execute(text("SET LOCAL statement_timeout = 0"))
    version: int = owner.version
    _run_revisions(tx, version)
    return version


def stamp(tx: Connection) -> None:
    """Tell Alembic that a ledger of the current format has it, unless it knows a revision."""
    tx.execute(_STAMP, {"revision": _revision_of(FORMAT)})


def _run_revisions(tx: Connection, version: int) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": tx})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with _one_at_a_time:
        command.stamp(config, _revision_of(version))
        command.upgrade(config, _revision_of(FORMAT))


def _revision_of(version: int) -> str:
    return f"format_{version}"
