"""Ledgers of both kinds, read and broken without the product's code."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from messages.participants import SERVICES
from tests.harness.postgres import PostgresServer
from trials.chaos.failpoints import Failpoints

#: Seconds for which a lock on a ledger is waited for.
_PATIENCE = 30


class SqliteLedgers:
    """SQLite files in the data directory."""

    #: What a worker says when it has waited for a lock in vain, and when it must not write.
    locked_out = " ledger: database is locked (LedgerUnavailable)"
    not_writable = " ledger: attempt to write a readonly database (LedgerUnavailable)"

    def __init__(self, folder: Path, failpoints: Failpoints) -> None:
        self._folder = folder
        self._failpoints = failpoints
        #: SQLAlchemy URL of each service's ledger.
        self.urls = {service: f"sqlite:///{self._file(service)}" for service in SERVICES}

    def rows(self, service: str, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, in SQL that both kinds understand."""
        with closing(sqlite3.connect(self._file(service))) as ledger:
            yield from ledger.execute(query)

    @contextmanager
    def locked(self, service: str) -> Iterator[None]:
        """Hold the file's only write lock."""
        opened = sqlite3.connect(self._file(service), timeout=_PATIENCE, isolation_level=None)
        with closing(opened) as ledger:
            ledger.execute("BEGIN IMMEDIATE")
            yield
            ledger.execute("ROLLBACK")

    @contextmanager
    def read_only(self, service: str) -> Iterator[None]:
        """Have the workers protect the file from themselves."""
        self._failpoints.protect(service, on=True)
        yield
        self._failpoints.protect(service, on=False)

    def _file(self, service: str) -> Path:
        return self._folder / f"{service}.db"


class PostgresLedgers:
    """Databases of a PostgreSQL server, each with the name of its service."""

    #: As above.
    locked_out = " ledger: canceling statement due to lock timeout"
    not_writable = " in a read-only transaction"
    #: What a worker says when the server has gone, or does not respond yet.
    gone = (
        " ledger: connection is bad: ",
        " ledger: connection failed: ",
        " ledger: consuming input failed: ",
        " ledger: terminating connection due to ",
    )

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.urls = {service: server.empty_database(service) for service in SERVICES}

    def rows(self, service: str, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query."""
        with self.server.connect(service) as ledger:
            yield from ledger.execute(query.encode())

    @contextmanager
    def locked(self, service: str) -> Iterator[None]:
        """Hold a lock on a table that every effect writes to; it can still be read."""
        with self.server.connect(service) as ledger, ledger.transaction():
            ledger.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}s'".encode())
            ledger.execute("LOCK TABLE fence IN EXCLUSIVE MODE")
            yield

    @contextmanager
    def read_only(self, service: str) -> Iterator[None]:
        """Let new sessions only read, and end the others. Those that only read go on afterwards."""
        database = f"ALTER DATABASE {service}"
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        with self.server.connect() as administrator:
            administrator.execute(f"{database} SET default_transaction_read_only = on".encode())
            administrator.execute(others, [service])
            yield
            administrator.execute(f"{database} RESET default_transaction_read_only".encode())


Ledgers = SqliteLedgers | PostgresLedgers
