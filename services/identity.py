"""Identity of a ledger: its service, its home, and since when its records are complete.

If a ledger does not know an operation, that proves something only if the ledger cannot have
missed or lost it. :mod:`services.openings` tells since when that is so. The time begins again when
the ledger is created or moved to another Temporal namespace.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, Integer, Row, Table, Text, select, update
from typing_extensions import Unpack

from messages.ledgers import Gap, Home, LedgerIdentity
from services.sql import Clock, insert_new, metadata, utc_now

#: Version of the tables of a ledger; see :mod:`services.migrations`.
FORMAT = 6

ledger = Table(
    "ledger",
    metadata,
    Column("service", Text, primary_key=True),
    #: Version of the tables; see FORMAT.
    Column("version", Integer),
    #: Time of creation. All times are UTC, in ISO 8601.
    Column("created_at", Text),
    #: The home: the Temporal namespace that the ledger serves, by its ids.
    Column("cluster_id", Text),
    Column("namespace_id", Text),
    #: Time since which it has served its home.
    Column("serves_since", Text),
    #: Time since which at least one worker has always had it open.
    Column("continuous_since", Text),
    #: Time at which a worker last noted that it has the ledger open, or has closed it.
    Column("seen_at", Text),
    #: Time from which on the ledger may have lost or missed operations. NULL when the ledgers of
    #: the other services have been told.
    Column("missing_since", Text),
)

#: A new ledger may replace one that was lost, so it may miss operations of any time.
_EARLIEST = "1970-01-01T00:00:00.000+00:00"

#: One row for each move of the ledger to another namespace.
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

_Columns = tuple[str, int, str, str, str, str, str, str, str]


class NotThisLedger(Exception):
    """The ledger has another service, another format or another home."""


def create(tx: Connection, service: str, now: str) -> bool:
    """Record that the ledger belongs to this service; return False if it is already in use."""
    return insert_new(
        tx,
        ledger,
        {
            "service": service,
            "version": FORMAT,
            "created_at": now,
            "continuous_since": now,
            "seen_at": now,
            "missing_since": _EARLIEST,
        },
    )


def check(tx: Connection, service: str) -> None:
    """Check that the ledger belongs to the service and has the current format.

    Raises:
        NotThisLedger: it does not.
    """
    version = read_format(tx, service)
    if version != FORMAT:
        raise NotThisLedger(
            f"it has format {version}, this program reads {FORMAT}; "
            + (
                "a worker upgrades it when it starts, as the command `upgrade-ledgers` does"
                if version < FORMAT
                else "a newer program has upgraded it: run that one (docs/operations.md#upgrading)"
            )
        )


def read_format(tx: Connection, service: str) -> int:
    """Return the format of the service's ledger.

    Raises:
        NotThisLedger: it is another service's, or empty.
    """
    rows = tx.execute(select(ledger.c.service, ledger.c.version)).all()
    for row in rows:
        if row.service != service:
            raise NotThisLedger(f"it is the {row.service} ledger; each service needs its own")
    if not rows:
        raise NotThisLedger("it is empty")
    version: int = rows[0].version
    return version


def settle_in(tx: Connection, service: str, home: Home | None) -> None:
    """Check that the ledger serves this home; give it this home if it has none.

    Raises:
        NotThisLedger: the ledger has another home, service or format.
    """
    check(tx, service)
    if home is not None:
        check_home(tx, home)
        tx.execute(
            update(ledger)
            .where(ledger.c.cluster_id.is_(None))
            .values(**home._asdict(), serves_since=utc_now(tx))
        )


def check_home(tx: Connection, home: Home) -> None:
    """Check that the ledger has this home, or none yet.

    Raises:
        NotThisLedger: it has another home.
    """
    row = _row(tx)
    if row.cluster_id is not None and (row.cluster_id, row.namespace_id) != home:
        raise NotThisLedger(
            f"it serves the runs of another Temporal namespace (cluster {row.cluster_id}, namespace"
            f" {row.namespace_id}, since {row.serves_since}) than the one connected to; connect to"
            " that one, name another ledger, or, when the orders have moved for good, give the"
            " command `move-ledgers` (docs/operations.md#moving)"
        )


def close_gap(tx: Connection, until: str) -> bool:
    """Note that the other ledgers know of a gap; return False if there is a newer gap."""
    # After a newer gap the others must be told again: they may have sealed effects in between.
    known = update(ledger).where(ledger.c.continuous_since == until).values(missing_since=None)
    return tx.execute(known).rowcount == 1


def move(tx: Connection, home: Home, operator: str, note: str) -> bool:
    """Give the ledger another home; return False if it already has that home.

    If it does not know an operation, that proves nothing about runs from before the move.
    """
    row = _row(tx)
    if (row.cluster_id, row.namespace_id) == home:
        return False
    now = utc_now(tx)
    tx.execute(moves.insert().values(at=now, operator=operator, note=note, **home._asdict()))
    tx.execute(update(ledger).values(**home._asdict(), serves_since=now))
    return True


def identity(tx: Connection) -> LedgerIdentity:
    """Return the identity of the ledger."""
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


def _row(tx: Connection) -> Row[Unpack[_Columns]]:
    return tx.execute(select(ledger)).one()
