"""A service's own database: opened so that nothing it has acknowledged is ever lost."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

#: Tables of all services; each ledger has its own selection of them.
metadata = MetaData()

_VERSION = 1
_WAIT_FOR_LOCK_MS = 10_000
_OPENING = 0x5A6A  # PostgreSQL advisory lock: who opens a ledger, opens it alone

_owner = Table(
    "ledger",
    metadata,
    Column("service", Text, primary_key=True),
    Column("version", Integer),
)


class LedgerUnavailable(Exception):
    """A ledger cannot be opened, read or written; the message is one line that says why."""


class Ledger:
    """One service's database, shared by all threads of the process."""

    def __init__(self, service: str, engine: Engine) -> None:
        self.service = service
        self._engine = engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: commits when the block ends, rolls back when it raises.

        Raises:
            LedgerUnavailable: the database is locked, full, read-only or gone. That says
                nothing about what became of a commit.
        """
        try:
            with self._engine.begin() as tx:
                yield tx
        except OperationalError as error:
            # As the library tells it, with the statement and its parameters, and with what it
            # was caused by, it is longer than Temporal keeps of an attempt that failed.
            raise LedgerUnavailable(f"{self.service} ledger: {_one_line(error.orig)}") from None

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()


def open_ledger(
    service: str,
    url: str,
    tables: Sequence[Table],
    open_balance: Callable[[Connection], None] = lambda tx: None,
) -> Ledger:
    """Open a service's ledger, and create and seed it when it is new.

    ``open_balance`` runs in the transaction that creates the tables, so two processes that
    open a fresh ledger at once seed it once.

    Raises:
        LedgerUnavailable: there is no such database, it is of another service, or it cannot
            be written.
    """
    with _explained(service, url):
        target = _target(service, url)
        if target.get_backend_name() == "sqlite":
            Path(str(target.database)).parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as unless_opened:
            engine = _engine(target)
            unless_opened.callback(engine.dispose)
            with engine.begin() as tx:
                if tx.dialect.name == "postgresql":
                    tx.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _OPENING})
                metadata.create_all(tx, tables=[_owner, *tables])
                if insert_new(tx, _owner, {"service": service, "version": _VERSION}):
                    open_balance(tx)
                _check_owner(tx, service)
            unless_opened.pop_all()
            return Ledger(service, engine)


@contextmanager
def reading(service: str, url: str) -> Iterator[Connection]:
    """One consistent view of a ledger that exists; nothing is created or changed.

    Raises:
        LedgerUnavailable: there is no such ledger, it is of another service, or it cannot be
            read; also when that shows only while it is being read.
    """
    with _explained(service, url):
        target = _target(service, url)
        if target.get_backend_name() == "sqlite" and not Path(str(target.database)).is_file():
            raise FileNotFoundError("no such file")
        engine = _engine(target, read_only=True)
        try:
            with engine.begin() as tx:
                _check_owner(tx, service)
                yield tx
        finally:
            engine.dispose()


def insert_new(tx: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Insert a row unless its key exists; True when it is new.

    A concurrent transaction that inserted the same key first is waited for.
    """
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(**row).on_conflict_do_nothing()
    return tx.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def utc_now() -> str:
    """The current time, ISO 8601 in UTC: the same text in every kind of database."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _target(service: str, url: str) -> URL:
    target = make_url(url)
    if target.get_backend_name() == "postgresql":
        return target.set(drivername="postgresql+psycopg")
    if target.get_backend_name() != "sqlite":
        raise ArgumentError("only sqlite:///<file> and postgresql+psycopg://… are supported")
    if target.database in (None, "", ":memory:"):
        raise ArgumentError("a ledger in memory would be lost with the process; name a file")
    return target


def _engine(target: URL, *, read_only: bool = False) -> Engine:
    if target.get_backend_name() == "postgresql":
        return _postgresql_engine(target, read_only=read_only)
    return _sqlite_engine(target, read_only=read_only)


def _sqlite_engine(target: URL, *, read_only: bool) -> Engine:
    # SQLite has one writer at a time anyhow. With one connection its threads queue for that
    # connection and are woken in turn; with many they would poll the file's lock, and starve.
    engine = create_engine(target, pool_size=1, max_overflow=0)

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own transaction control begins too late, and as a reader.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {_WAIT_FOR_LOCK_MS}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            return
        _write_ahead(connection)
        # NORMAL would survive a killed process but may lose the last commits with the power.
        # Temporal may remember a reply for good, so its effect must be on disk before that.
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # A reader that turns writer is refused at once when another writer came between;
        # one that begins as a writer waits its turn.
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Have the file keep a write-ahead log; only the first to open it has to change anything.

    Raises:
        OperationalError: the file cannot be written, or is locked for longer than we wait.
    """
    # Two that change it at once would wait for each other, so SQLite refuses one of them on
    # the spot, whatever its busy_timeout.
    deadline = time.monotonic() + _WAIT_FOR_LOCK_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _postgresql_engine(target: URL, *, read_only: bool) -> Engine:
    settings = f"{target.query.get('options', '')} -c lock_timeout={_WAIT_FOR_LOCK_MS}"
    if read_only:
        # One view for all that is read, as SQLite gives it.
        settings += " -c default_transaction_isolation=repeatable\\ read"
        settings += " -c default_transaction_read_only=on"
    return create_engine(
        target,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "options": settings},
    )


def _check_owner(tx: Connection, service: str) -> None:
    for row in tx.execute(select(_owner)):
        if row.service != service:
            raise ArgumentError(f"it is the {row.service} ledger; each service needs its own")
        if row.version != _VERSION:
            raise ArgumentError(f"it has format {row.version}, this program writes {_VERSION}")


@contextmanager
def _explained(service: str, url: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise LedgerUnavailable(
            f"{service} ledger: {_shown(url)} needs the {error.name} package; "
            f"install 'psycopg[binary]', or use a sqlite:/// URL"
        ) from error
    except (SQLAlchemyError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        raise LedgerUnavailable(
            f"{service} ledger: cannot use {_shown(url)}: {_one_line(cause)}; "
            f"make that database available, or name another one for {service}"
        ) from error


def _one_line(error: BaseException | None) -> str:
    return " ".join(str(error).split())


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "the given URL"
