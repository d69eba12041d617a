"""Ledger of one service: a database that never loses what it has acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TypeVar

from sqlalchemy import Connection, Engine, Table, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from messages.ledgers import Home
from services import audited, engines, identity, migrations, openings
from services.conflicts import retried
from services.identity import NotThisLedger
from services.openings import Opening
from services.sql import Clock, UnreadableTime, metadata

T = TypeVar("T")

#: PostgreSQL advisory lock, so that only one process at a time opens a ledger.
_OPENING = 0x5A6A

#: Tables that every ledger has.
_COMMON = (*identity.TABLES, *openings.TABLES, *audited.TABLES, *migrations.TABLES)


class LedgerUnavailable(Exception):
    """A ledger cannot be opened, read or written; the message is one line with the reason."""


class Ledger:
    """Ledger of one service, shared by all threads of the process."""

    def __init__(self, service: str, engine: Engine, opening: Opening | None) -> None:
        self.service = service
        self._engine = engine
        self._opening = opening
        self._noting = Lock()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction, which commits when the block ends and rolls back when it raises.

        Raises:
            LedgerUnavailable: the database is locked, full, read-only, damaged or gone. If that
                happens during the commit, the transaction may be committed or not.
        """
        with self._failing_clearly(), self._engine.begin() as tx:
            yield tx

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction, and return what it returns.

        If the database rolls the transaction back because of another one, it is run again. So
        ``work`` must have no effect but in the transaction.

        Raises:
            LedgerUnavailable: as :meth:`transaction`.
        """

        def transaction() -> T:
            with self._engine.begin() as tx:
                return work(tx)

        with self._failing_clearly():
            return retried(transaction)

    @contextmanager
    def _failing_clearly(self) -> Iterator[None]:
        # The library's message, with the statement, its parameters and the cause, is longer than
        # Temporal stores for a failed attempt.
        try:
            yield
        except IntegrityError:
            raise
        except (DBAPIError, NoConnection, UnreadableTime) as error:
            cause = getattr(error, "orig", None) or error
            raise LedgerUnavailable(f"{self.service} ledger: {_one_line(cause)}") from None

    def still_open(self) -> None:
        """Note in the ledger that a worker has it open.

        Raises:
            LedgerUnavailable: it cannot be written, or somebody has damaged it.
        """
        # A thread that knew only the opening before, or an ended one, would take it for lost.
        with self._noting:
            if self._opening is None:
                return
            try:
                with self.transaction() as tx:
                    noted = openings.still_open(tx, self._opening)
            except SQLAlchemyError as error:  # somebody has changed the ledger: a row is gone
                raise LedgerUnavailable(f"{self.service} ledger: {_one_line(error)}") from None
            self._opening = noted

    def close(self) -> None:
        """Note in the ledger that the worker closes it, and close its connections."""
        with self._noting:
            if self._opening is not None:
                with suppress(LedgerUnavailable, SQLAlchemyError), self.transaction() as tx:
                    openings.leave(tx, openings.still_open(tx, self._opening))
            self._opening = None
        self._engine.dispose()


def open_ledger(
    service: str,
    url: str,
    tables: Sequence[Table],
    open_balance: Callable[[Connection], None] = lambda tx: None,
    home: Home | None = None,
    threads: int = 20,
) -> Ledger:
    """Open a service's ledger; create it with its opening balance if it does not exist.

    ``open_balance`` runs in the transaction that creates the tables. So it runs once, even if
    two processes open a new ledger at the same time. A ledger without a home gets ``home``.
    So many ``threads`` can use the ledger at the same time; further ones wait.

    Raises:
        LedgerUnavailable: there is no such database, it belongs to another service, it has
            another home, or it cannot be written.
    """
    with explained(service, url):
        target = engines.target_of(url)
        if target.get_backend_name() == "sqlite":
            Path(str(target.database)).parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as unless_opened:
            engine = engines.create(target, threads=threads)
            unless_opened.callback(engine.dispose)
            with engine.begin() as tx:
                _have_tables(tx, service, tables)
                clock = Clock(tx)
                if identity.create(tx, service, clock.text):
                    open_balance(tx)
                identity.settle_in(tx, service, home)
                opening = openings.enter(tx, clock)
            unless_opened.pop_all()
            return Ledger(service, engine, opening)


def upgrade_ledger(service: str, url: str, tables: Sequence[Table]) -> None:
    """Upgrade an existing ledger to the current format, without opening it for a worker.

    Raises:
        LedgerUnavailable: there is no such ledger, it belongs to another service, a newer program
            has upgraded it, or it cannot be written.
    """
    with explained(service, url), _existing(url, read_only=False) as engine, engine.begin() as tx:
        identity.read_format(tx, service)
        _have_tables(tx, service, tables)
        identity.check(tx, service)


def _have_tables(tx: Connection, service: str, tables: Sequence[Table]) -> None:
    """Have the ledger upgraded, and all tables in it."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _OPENING})
    migrations.upgrade(tx, service)
    metadata.create_all(tx, tables=[*_COMMON, *tables])
    migrations.stamp(tx)


def format_of(service: str, url: str) -> int:
    """Return the format of an existing ledger, whichever it is.

    Raises:
        LedgerUnavailable: there is no such ledger, or it belongs to another service.
    """
    with explained(service, url), _existing(url, read_only=True) as engine, engine.begin() as tx:
        return identity.read_format(tx, service)


@contextmanager
def reading(service: str, url: str, home: Home | None = None) -> Iterator[Connection]:
    """Open a consistent view of an existing ledger; nothing is created or changed.

    Raises:
        LedgerUnavailable: there is no such ledger, it belongs to another service, it has another
            home than ``home``, or it cannot be read. Raised in the block as well.
    """
    with explained(service, url), _existing(url, read_only=True) as engine, engine.begin() as tx:
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
    with explained(service, url), _existing(url, read_only=False) as engine:
        with engine.begin() as tx:
            identity.check(tx, service)
        yield Ledger(service, engine, opening=None)


@contextmanager
def _existing(url: str, *, read_only: bool) -> Iterator[Engine]:
    target = engines.target_of(url)
    if target.get_backend_name() == "sqlite" and not Path(str(target.database)).is_file():
        raise FileNotFoundError("no such file")
    engine = engines.create(target, read_only=read_only)
    try:
        yield engine
    finally:
        engine.dispose()


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
    except (NotThisLedger, UnreadableTime) as error:
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
