"""Ledger of one service: a database that never loses what it has acknowledged."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, InternalError, OperationalError, SQLAlchemyError

from messages.ledgers import Home
from services import audited, identity
from services.identity import NotThisLedger
from services.migrations import carry_over
from services.read_only import renew_read_only
from services.sql import metadata

_WAIT_FOR_LOCK_MS = 10_000
#: PostgreSQL advisory lock, so that only one process at a time opens a ledger.
_OPENING = 0x5A6A


class LedgerUnavailable(Exception):
    """A ledger cannot be opened, read or written; the message is one line with the reason."""


class Ledger:
    """Ledger of one service, shared by all threads of the process."""

    def __init__(self, service: str, engine: Engine, note: int) -> None:
        self.service = service
        self._engine = engine
        self._note = note

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction, which commits when the block ends and rolls back when it raises.

        Raises:
            LedgerUnavailable: the database is locked, full, read-only or gone. If that happens
                during the commit, the transaction may be committed or not.
        """
        try:
            with self._engine.begin() as tx:
                yield tx
        except (OperationalError, InternalError) as error:
            # The library's message, with the statement, its parameters and the cause, is longer
            # than Temporal stores for a failed attempt.
            raise LedgerUnavailable(f"{self.service} ledger: {_one_line(error.orig)}") from None

    def still_open(self) -> None:
        """Note in the ledger that it is open; ignore that it cannot be written."""
        with suppress(LedgerUnavailable):
            with self.transaction() as tx:
                note = identity.still_open(tx, self._note)
            self._note = note

    def close(self) -> None:
        """Note in the ledger that it is closed, and close its connections."""
        with suppress(LedgerUnavailable, SQLAlchemyError), self.transaction() as tx:
            identity.leave(tx)
        self._engine.dispose()


def open_ledger(
    service: str,
    url: str,
    tables: Sequence[Table],
    open_balance: Callable[[Connection], None] = lambda tx: None,
    home: Home | None = None,
) -> Ledger:
    """Open a service's ledger; create it with its opening balance if it does not exist.

    ``open_balance`` runs in the transaction that creates the tables. So it runs once, even if
    two processes open a new ledger at the same time. A ledger without a home gets ``home``.

    Raises:
        LedgerUnavailable: there is no such database, it belongs to another service, it has
            another home, or it cannot be written.
    """
    with explained(service, url):
        target = _target(service, url)
        if target.get_backend_name() == "sqlite":
            Path(str(target.database)).parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as unless_opened:
            engine = _engine(target)
            unless_opened.callback(engine.dispose)
            with engine.begin() as tx:
                if tx.dialect.name == "postgresql":
                    tx.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _OPENING})
                carry_over(tx, service)
                metadata.create_all(tx, tables=[*identity.TABLES, *audited.TABLES, *tables])
                if identity.create(tx, service):
                    open_balance(tx)
                note = identity.enter(tx, service, home)
            unless_opened.pop_all()
            return Ledger(service, engine, note)


@contextmanager
def reading(service: str, url: str, home: Home | None = None) -> Iterator[Connection]:
    """Open a consistent view of an existing ledger; nothing is created or changed.

    Raises:
        LedgerUnavailable: there is no such ledger, it belongs to another service, it has another
            home than ``home``, or it cannot be read. Raised in the block as well.
    """
    with (
        explained(service, url),
        _existing(service, url, read_only=True) as engine,
        engine.begin() as tx,
    ):
        identity.check(tx, service)
        if home is not None:
            identity.check_home(tx, home)
        yield tx


@contextmanager
def annotating(service: str, url: str) -> Iterator[Ledger]:
    """Open an existing ledger to write, without counting as a worker that has it open.

    Raises:
        LedgerUnavailable: as :func:`reading`, or the ledger cannot be written.
    """
    with explained(service, url), _existing(service, url, read_only=False) as engine:
        with engine.begin() as tx:
            identity.check(tx, service)
        yield Ledger(service, engine, note=0)


@contextmanager
def _existing(service: str, url: str, *, read_only: bool) -> Iterator[Engine]:
    target = _target(service, url)
    if target.get_backend_name() == "sqlite" and not Path(str(target.database)).is_file():
        raise FileNotFoundError("no such file")
    engine = _engine(target, read_only=read_only)
    try:
        yield engine
    finally:
        engine.dispose()


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
    # SQLite has only one writer at a time. With one connection, threads wait for the connection
    # and get it in turn. With several, they would poll the lock of the file, and some would starve.
    engine = create_engine(target, pool_size=1, max_overflow=0)

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        # The driver itself would begin a transaction too late, and as a reader.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {_WAIT_FOR_LOCK_MS}")
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
        # All queries of a transaction then see the same state, as they do in SQLite.
        settings += " -c default_transaction_isolation=repeatable\\ read"
        settings += " -c default_transaction_read_only=on"
    engine = create_engine(
        target,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "options": settings},
    )
    renew_read_only(engine)
    return engine


@contextmanager
def explained(service: str, url: str) -> Iterator[None]:
    """Raise :class:`LedgerUnavailable` instead of any error of the ledger's database."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise LedgerUnavailable(
            f"{service} ledger: {_shown(url)} needs the {error.name} package; "
            f"install 'psycopg[binary]', or use a sqlite:/// URL"
        ) from error
    except NotThisLedger as error:
        raise LedgerUnavailable(f"{service} ledger: {_shown(url)}: {error}") from None
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
