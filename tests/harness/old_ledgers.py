"""Ledgers of older formats, from the scripts of ledgers that programs of that time have written."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.harness.postgres import PostgresServer
from tests.harness.steps import SERVICES

#: The oldest one; those with an order that was found to be right; the last one without audits;
#: the last one with one currency; the last one whose workers noted together that it is open.
FORMATS = ("format_1", "format_2", "format_3", "format_4", "format_5")

_SCRIPTS = Path(__file__).parents[1] / "unit"
#: A number that the database gives is one thing in SQLite and another one in PostgreSQL, and
#: so is a boolean.
_DIALECT = {
    "BEGIN TRANSACTION;": "BEGIN;",
    "id INTEGER NOT NULL": "id BIGSERIAL",
    "VALUES('user_closed',1,": "VALUES('user_closed',true,",
    "VALUES('user_789',0,": "VALUES('user_789',false,",
}


def old_ledgers(
    format_: str, place: Path | PostgresServer, services: Sequence[str] = SERVICES
) -> dict[str, str]:
    """Write the ledgers of that format into a folder, or into databases; return their URLs."""
    scripts = {n: (_SCRIPTS / format_ / f"{n}.sql").read_text(encoding="utf-8") for n in services}
    if isinstance(place, Path):
        return {name: _sqlite(name, script, place) for name, script in scripts.items()}
    return {name: _postgresql(name, script, place) for name, script in scripts.items()}


def _sqlite(name: str, script: str, folder: Path) -> str:
    with closing(sqlite3.connect(folder / f"{name}.db")) as connection:
        connection.executescript(script)
    return f"sqlite:///{folder / name}.db"


def _postgresql(name: str, script: str, server: PostgresServer) -> str:
    url = server.empty_database(name)
    for sqlite, postgresql in _DIALECT.items():
        script = script.replace(sqlite, postgresql)
    if "missing_since" in script:  # since format 3
        # The scripts are SQLite's, of ledgers that had begun with an older format.
        script = script.replace("sealed INTEGER", "sealed BIGINT")
    with server.connect(name) as connection:
        connection.execute(script.encode())
        connection.execute("SELECT setval('journal_id_seq', (SELECT max(id) + 1 FROM journal))")
    return url
