"""SQL that all ledgers use, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from sqlalchemy import ColumnElement, Connection, MetaData, Table, Text, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

#: Tables of all services. Each ledger has only some of them.
metadata = MetaData()

_POSTGRESQL_NOW = (
    "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"+00:00\"')"
)


def insert_new(tx: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Insert a row unless one of its unique values exists; return True if it was inserted.

    If a concurrent transaction has inserted the same value, this waits until it ends.
    """
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(**row).on_conflict_do_nothing()
    return tx.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def utc_now(tx: Connection) -> str | ColumnElement[str]:
    """Return the current time by the ledger's clock, as a value to write: ISO 8601 in UTC.

    On PostgreSQL this is the clock of the database server, since several machines may share it.
    """
    if tx.dialect.name == "postgresql":
        return literal_column(_POSTGRESQL_NOW, Text)
    return machine_now()


def machine_now() -> str:
    """Return the current time by this machine's clock, in the same form.

    Decisions must not depend on it if several machines share the ledger.
    """
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


class Clock:
    """Time by the ledger's clock, read once."""

    def __init__(self, tx: Connection) -> None:
        now = utc_now(tx)
        self.text = now if isinstance(now, str) else tx.execute(select(now)).scalar_one()
        self._now = datetime.fromisoformat(self.text)

    def seconds_since(self, time: str) -> float:
        """Return the seconds that have passed since a time of :func:`utc_now`."""
        return (self._now - datetime.fromisoformat(time)).total_seconds()

    @property
    def unix_seconds(self) -> int:
        """Whole seconds since 1970."""
        return int(self._now.timestamp())
