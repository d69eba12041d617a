"""SQL that all ledgers use, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    literal_column,
    select,
    text,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    #: A row, and a query, of columns whose types are not known.
    AnyRow = Row[Unpack[tuple[Any, ...]]]
    AnySelect = Select[Unpack[tuple[Any, ...]]]

#: Tables of all services. Each ledger has only some of them.
metadata = MetaData()

#: The current time in UTC, in ISO 8601, as each database writes it.
_NOW = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')",
    "postgresql": "to_char(clock_timestamp() AT TIME ZONE 'UTC',"
    ' \'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"\')',
}


class Statement:
    """Statement that writes, in SQL that SQLite and PostgreSQL share; compiled once for each.

    ``{now}`` in it is the current time by the ledger's clock, as :func:`utc_now` returns it.
    """

    def __init__(self, sql: str) -> None:
        one_line = " ".join(sql.split())
        # A text, because SQLAlchemy compiles its own INSERT … ON CONFLICT anew at each call.
        self._texts = {
            dialect: text(one_line.replace("{now}", now.replace(":", r"\:"))).execution_options(
                preserve_rowcount=True
            )
            for dialect, now in _NOW.items()
        }

    def run(self, tx: Connection, *parameters: Mapping[str, object]) -> int:
        """Run the statement once for each of the parameters; return how many rows it wrote."""
        return tx.execute(self._texts[tx.dialect.name], list(parameters)).rowcount


def insert_new(tx: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Insert a row unless one of its unique values exists; return True if it was inserted.

    If a concurrent transaction has inserted the same value, this waits until it ends.
    """
    return _insertion(table, tuple(row)).run(tx, row) == 1


@cache
def _insertion(table: Table, columns: tuple[str, ...]) -> Statement:
    names, values = ", ".join(columns), ", ".join(f":{column}" for column in columns)
    return Statement(f"INSERT INTO {table.name} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING")


def utc_now(tx: Connection) -> str | ColumnElement[str]:
    """Return the current time by the ledger's clock, as a value to write: ISO 8601 in UTC.

    On PostgreSQL this is the clock of the database server, since several machines may share it.
    """
    if tx.dialect.name == "postgresql":
        return literal_column(_NOW["postgresql"], Text)
    return machine_now()


def machine_now() -> str:
    """Return the current time by this machine's clock, in the same form.

    Decisions must not depend on it if several machines share the ledger.
    """
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


class UnreadableTime(Exception):
    """A time in the ledger is none, because somebody has changed it."""


class Clock:
    """Time by the ledger's clock, read once."""

    def __init__(self, tx: Connection) -> None:
        now = utc_now(tx)
        self.text = now if isinstance(now, str) else tx.execute(select(now)).scalar_one()
        self._now = datetime.fromisoformat(self.text)

    def seconds_since(self, time: str) -> float:
        """Return the seconds that have passed since a time of :func:`utc_now`.

        Raises:
            UnreadableTime: it is no such time.
        """
        try:
            return (self._now - datetime.fromisoformat(time)).total_seconds()
        # Without a time zone it would be a time, but none that this one can be compared with.
        except (ValueError, TypeError):
            raise UnreadableTime(f"the time {time!r} cannot be read") from None

    @property
    def unix_seconds(self) -> int:
        """Whole seconds since 1970."""
        return int(self._now.timestamp())
