"""A ledger's knowledge of itself: whose it is, since when, and whose runs it serves.

What a ledger does not know proves something only while it could not have missed or lost it.
So it keeps since when it has been open without a gap. A ledger that was made anew, restored
from a backup, or moved to another Temporal namespace has begun to prove only then.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, Integer, Row, Table, Text, select, update

from messages.ledgers import Gap, Home, LedgerIdentity
from services.sql import Clock, insert_new, metadata, utc_now

#: Of the tables of a ledger; see :mod:`services.migrations`.
FORMAT = 3

#: Seconds after which a worker that has not said so is not taken to have the ledger open.
SEEN_WITHIN = 15.0

ledger = Table(
    "ledger",
    metadata,
    Column("service", Text, primary_key=True),
    Column("version", Integer),
    #: Times are UTC.
    Column("created_at", Text),
    #: The Temporal namespace that it serves, by its ids, and since when.
    Column("cluster_id", Text),
    Column("namespace_id", Text),
    Column("serves_since", Text),
    #: Since when some worker has had it open at every instant.
    Column("continuous_since", Text),
    #: When a worker last said that it has it open, and whether that one has closed it since.
    Column("seen_at", Text),
    Column("closed", Integer, nullable=False, server_default="0"),
    #: The earliest operation that it may have lost, or missed, unknown to the ledgers of the
    #: other services; NULL once they have been told.
    Column("missing_since", Text),
)

#: Of a ledger that is made anew, when there may have been another one before.
_EVER = "1970-01-01T00:00:00.000+00:00"

#: Each time that the ledger was told to serve another namespace.
moves = Table(
    "ledger_moves",
    metadata,
    Column("at", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("cluster_id", Text, nullable=False),
    Column("namespace_id", Text, nullable=False),
)

TABLES = (ledger, moves)

_Columns = tuple[str, int, str, str, str, str, str, str, int, str]


class NotThisLedger(Exception):
    """It is another service's ledger, of another format, or serves another namespace."""


def create(tx: Connection, service: str) -> bool:
    """Write down that the ledger is this service's; False when it is in use already."""
    now = utc_now(tx)
    return insert_new(
        tx,
        ledger,
        {
            "service": service,
            "version": FORMAT,
            "created_at": now,
            "continuous_since": now,
            "seen_at": now,
            "missing_since": _EVER,
        },
    )


def check(tx: Connection, service: str) -> None:
    """Make sure that it is the service's ledger, in today's format.

    Raises:
        NotThisLedger: it is not.
    """
    for row in tx.execute(select(ledger.c.service, ledger.c.version)):
        if row.service != service:
            raise NotThisLedger(f"it is the {row.service} ledger; each service needs its own")
        if row.version != FORMAT:
            raise NotThisLedger(
                f"it has format {row.version}, this program reads {FORMAT}"
                + ("; a worker carries it over when it starts" if row.version < FORMAT else "")
            )


def enter(tx: Connection, service: str, home: Home | None) -> str:
    """Note that a worker opens the ledger, for the runs of this namespace; return when.

    Raises:
        NotThisLedger: it serves another one.
    """
    check(tx, service)
    row, clock = _row(tx), Clock(tx)
    now = clock.text
    if home is not None:
        check_home(tx, home)
        if row.cluster_id is None:
            tx.execute(update(ledger).values(**home._asdict(), serves_since=now))
    if row.closed or abs(clock.seconds_since(row.seen_at)) > SEEN_WITHIN:
        _note_gap(tx, row, now)
    tx.execute(update(ledger).values(seen_at=now, closed=0))
    return now


def _note_gap(tx: Connection, row: Row[_Columns], now: str) -> None:
    # Times of one clock in one format are in order as text.
    since = min(row.seen_at, row.missing_since or row.seen_at)
    tx.execute(update(ledger).values(continuous_since=now, missing_since=since))


def check_home(tx: Connection, home: Home) -> None:
    """Make sure that the ledger serves this namespace, or none yet.

    Raises:
        NotThisLedger: it serves another one.
    """
    row = _row(tx)
    if row.cluster_id is not None and (row.cluster_id, row.namespace_id) != home:
        raise NotThisLedger(
            f"it serves the runs of another Temporal namespace (cluster {row.cluster_id}, namespace"
            f" {row.namespace_id}, since {row.serves_since}) than the one connected to; connect to"
            " that one, name another ledger, or, when the orders have moved for good, run"
            " `python starter.py move-ledgers` (docs/operations.md#moving)"
        )


def still_open(tx: Connection, last_seen: str) -> str:
    """Note that a worker still has the ledger open; return when.

    Args:
        last_seen: when the worker last noted it. A ledger that does not know that any more was
            restored from a backup meanwhile.
    """
    row, now = _row(tx), Clock(tx).text
    if row.seen_at < last_seen:
        _note_gap(tx, row, now)
    tx.execute(update(ledger).values(seen_at=now, closed=0))
    return now


def leave(tx: Connection) -> None:
    """Note that a worker closes the ledger."""
    tx.execute(update(ledger).values(seen_at=utc_now(tx), closed=1))


def close_gap(tx: Connection, until: str) -> bool:
    """Note that the other ledgers know of a gap; False when it is not the last one any more."""
    # A newer gap began later, but what it hides may have been sealed since the others were told.
    told = update(ledger).where(ledger.c.continuous_since == until).values(missing_since=None)
    return tx.execute(told).rowcount == 1


def move(tx: Connection, home: Home, operator: str, note: str) -> bool:
    """Have the ledger serve another namespace from now on; False when it does already.

    What it does not know proves nothing about the runs of before.
    """
    row = _row(tx)
    if (row.cluster_id, row.namespace_id) == home:
        return False
    now = utc_now(tx)
    tx.execute(moves.insert().values(at=now, operator=operator, note=note, **home._asdict()))
    tx.execute(update(ledger).values(**home._asdict(), serves_since=now))
    return True


def identity(tx: Connection) -> LedgerIdentity:
    """Return what the ledger tells of itself."""
    row, clock = _row(tx), Clock(tx)
    since = [row.created_at, row.continuous_since, row.serves_since]
    home = None if row.cluster_id is None else Home(row.cluster_id, row.namespace_id)
    return LedgerIdentity(
        service=row.service,
        home=home,
        proves_seconds=min(clock.seconds_since(time) for time in since if time is not None),
        gap=None
        if row.missing_since is None
        else Gap(seconds=clock.seconds_since(row.missing_since), until=row.continuous_since),
    )


def _row(tx: Connection) -> Row[_Columns]:
    return tx.execute(select(ledger)).one()
