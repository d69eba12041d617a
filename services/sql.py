"""SQL that the ledgers of all services share, on every kind of database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from sqlalchemy import Connection, MetaData, Table
from sqlalchemy.dialects import postgresql, sqlite

#: Tables of all services; each ledger has its own selection of them.
metadata = MetaData()


def insert_new(tx: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Insert a row unless one of its unique values exists; True when it is new.

    A concurrent transaction that inserted the same value first is waited for.
    """
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(**row).on_conflict_do_nothing()
    return tx.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def utc_now() -> str:
    """The current time, ISO 8601 in UTC: the same text in every kind of database."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def seconds_since(time: str) -> float:
    """The seconds that have passed since a time of :func:`utc_now`."""
    return (datetime.now(timezone.utc) - datetime.fromisoformat(time)).total_seconds()
