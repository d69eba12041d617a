"""Engines of ledgers: how SQLite and PostgreSQL are connected to."""

from __future__ import annotations

import sqlite3
import time

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import ArgumentError
from sqlalchemy.util import LRUCache

from services.read_only import renew_read_only

#: Statements as SQLite understands them, by what SQLAlchemy takes for the same statement.
_compiled: LRUCache[tuple[object, ...], object] = LRUCache(1_000)
_DRIVER = "sqlite+ledger"


class SQLiteDialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's dialect of SQLite, which is the same for all files.

    By default each engine compiles each statement anew: half of the CPU time of a short audit, and
    a fifth of that of opening the ledgers.
    """

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SQLiteDialect)

    def __hash__(self) -> int:
        return hash(SQLiteDialect)


registry.register(_DRIVER.replace("+", "."), __name__, SQLiteDialect.__name__)

#: Seconds for which a transaction waits for another one.
WAIT_FOR_LOCK = 10

#: Parameters of libpq. A connection whose other end is gone, without a word, is noticed within
#: half a minute, whether it waits for an answer or has just sent something.
_CONNECTION = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "order-saga",
}
#: Settings of a PostgreSQL session, in milliseconds. A statement that takes so long has a bad
#: plan, or a server in trouble; and a transaction that is idle for so long is the rest of a process
#: that hangs, and keeps others from its rows.
_WRITING = {
    "lock_timeout": WAIT_FOR_LOCK * 1000,
    "statement_timeout": 30_000,
    "idle_in_transaction_session_timeout": 30_000,
}
#: An audit reads for as long as there is something to read. All queries of a transaction see the
#: same state, as they do in SQLite.
_READING = {
    "lock_timeout": WAIT_FOR_LOCK * 1000,
    "default_transaction_isolation": "repeatable\\ read",
    "default_transaction_read_only": "on",
}
#: Seconds after which a connection is replaced, so that no proxy or firewall on the way has
#: forgotten it, and the server's memory for it does not grow.
_RECYCLED = 1_800
#: A transaction takes a few milliseconds, so few connections serve many threads. Those for a burst
#: are closed again: the server pays for each, and all workers and ledgers may share one server.
_KEPT = 5


def target_of(url: str) -> URL:
    """Return the URL with the driver that we use.

    Raises:
        ArgumentError: it is none of a ledger.
    """
    target = make_url(url)
    if target.get_backend_name() == "postgresql":
        return target.set(drivername="postgresql+psycopg")
    if target.get_backend_name() != "sqlite":
        raise ArgumentError("only sqlite:///<file> and postgresql+psycopg://… are supported")
    if target.database in (None, "", ":memory:"):
        raise ArgumentError("a ledger in memory would be lost with the process; name a file")
    return target


def create(target: URL, *, read_only: bool = False, threads: int = 1) -> Engine:
    """Return the engine of a ledger, whose connections suffice for so many threads at once."""
    if target.get_backend_name() == "postgresql":
        return _postgresql(target, threads, read_only=read_only)
    return _sqlite(target, read_only=read_only)


def _sqlite(target: URL, *, read_only: bool) -> Engine:
    # SQLite has only one writer at a time. With one connection, threads wait for the connection
    # and get it in turn. With several, they would poll the lock of the file, and some would starve.
    engine = create_engine(
        target.set(drivername=_DRIVER),
        pool_size=1,
        max_overflow=0,
        hide_parameters=True,
        execution_options={"compiled_cache": _compiled},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        # The driver itself would begin a transaction too late, and as a reader.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {WAIT_FOR_LOCK * 1000}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            return
        _write_ahead(connection)
        # With NORMAL, a power failure may lose the last commits. Temporal may have stored their
        # replies, so the effects must be on disk before the replies are sent.
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # A transaction that begins as a reader and then writes fails at once if another one has
        # written in between. One that begins as a writer waits for its turn.
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to a write-ahead log; only the first connection really changes the file.

    Raises:
        OperationalError: the file cannot be written, or is locked for longer than we wait.
    """
    # If two connections change the mode at the same time, they would wait for each other. So
    # SQLite refuses one of them at once, whatever its busy_timeout.
    deadline = time.monotonic() + WAIT_FOR_LOCK
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _postgresql(target: URL, threads: int, *, read_only: bool) -> Engine:
    given = target.query
    kept = _number(target, "pool_size", min(threads, _KEPT))
    more = _number(target, "max_overflow", max(0, threads - kept))
    if kept < 1:  # SQLAlchemy would take it for no limit
        raise ArgumentError("pool_size in the URL must be at least 1")
    session = " ".join(f"-c {k}={v}" for k, v in (_READING if read_only else _WRITING).items())
    engine = create_engine(
        target.difference_update_query(["pool_size", "max_overflow"]),
        # A statement that asks whether the connection still works costs less than an attempt that
        # fails, and its pause.
        pool_pre_ping=True,
        pool_size=kept,
        max_overflow=more,
        pool_timeout=WAIT_FOR_LOCK,
        pool_recycle=_RECYCLED,
        hide_parameters=True,
        connect_args={
            **{name: value for name, value in _CONNECTION.items() if name not in given},
            # Of two values of a setting, the server takes the later one.
            "options": f"{session} {given.get('options', '')}".strip(),
        },
    )
    if not read_only:
        renew_read_only(engine)
    return engine


def _number(target: URL, name: str, default: int) -> int:
    value = target.query.get(name)
    if value is None:
        return default
    if not isinstance(value, str) or not value.isdecimal():
        raise ArgumentError(f"{name} in the URL must be a number")
    return int(value)
