"""Indexes of the embedded server's list of runs: those alone that its queries use."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

#: Indexes with which SQLite answers queries: for the order of time, a workflow id, a type, a status
#: and the first search attribute that was added, which is ours.
USED = frozenset(
    {"default_idx", "by_workflow_id", "by_workflow_type", "by_status", "by_keyword_01"}
)
#: Seconds to wait for the server's own transactions.
_PATIENCE = 10.0


def drop_unused_indexes(database: Path) -> None:
    """Drop the other indexes of the list of runs, some fifty.

    The server has one for each search attribute that anybody might add, and writes to all of them
    at each start and end of a run. Most runs have no values there. They do not even answer queries
    about their attribute: one of them leads through all runs in the right order, and SQLite takes
    that one. See docs/decisions/0042-only-indexes-that-are-used.md.

    It may be called while the server is running, which is held up for one index at a time. Whatever
    is wrong with the database is left for the server to tell.
    """
    with suppress(sqlite3.Error), closing(_connected(database)) as connection:
        for name in _unused(connection):
            connection.execute(f'DROP INDEX IF EXISTS "{name}"')


def _connected(database: Path) -> sqlite3.Connection:
    # No isolation level: each statement is a transaction of its own.
    return sqlite3.connect(database, timeout=_PATIENCE, isolation_level=None)


def _unused(connection: sqlite3.Connection) -> list[str]:
    # An index without a statement belongs to a constraint.
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'index'"
        " AND tbl_name = 'executions_visibility' AND sql IS NOT NULL"
    )
    return [name for (name,) in found if name not in USED]
