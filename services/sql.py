"""SQL that the ledgers of all services share, on every kind of database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from sqlalchemy import ColumnElement, Connection, MetaData, Table, Text, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

#: Tables of all services; each ledger has its own selection of them.
metadata = MetaData()

_POSTGRESQL_NOW = (
    "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"+00:00\"')"
)


def insert_new(tx: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Insert a row unless one of its unique values exists; True when it is new.

    A concurrent transaction that inserted the same value first is waited for.
    """
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(**row).on_conflict_do_nothing()
    return tx.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def utc_now(tx: Connection) -> str | ColumnElement[str]:
    """Return the current time by the ledger's own clock, ISO 8601 in UTC, as a value to write.

    A ledger that several machines share has one clock, that of its database server.
    """
    if tx.dialect.name == "postgresql":
        return literal_column(_POSTGRESQL_NOW, Text)
    return machine_now()


def machine_now() -> str:
    """Return the current time by this machine's clock, in the same form; nothing rests on it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


class Clock:
    """The ledger's own clock, read once for one question."""

    def __init__(self, tx: Connection) -> None:
        now = utc_now(tx)
        self.text = now if isinstance(now, str) else tx.execute(select(now)).scalar_one()
        self._now = datetime.fromisoformat(self.text)

    def seconds_since(self, time: str) -> float:
        """Return the seconds that have passed since a time of :func:`utc_now`."""
        return (self._now - datetime.fromisoformat(time)).total_seconds()

    @property
    def unix_seconds(self) -> int:
        """The time as whole seconds since 1970."""
        return int(self._now.timestamp())
