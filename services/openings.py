"""Openings of a ledger: since when its records have been complete.

A ledger that was lost, or restored from a backup, lacks what happened since. While nobody has it
open nobody would notice. So each opening by a worker begins a gap, unless another worker has the
ledger open both before and after it, and finds its own notes there.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Column, Connection, Integer, Row, Table, Text, delete, select, update
from typing_extensions import Unpack

from services.identity import ledger
from services.sql import Clock, insert_new, metadata

#: Seconds. A worker that has noted nothing for longer cannot tell what happened meanwhile.
SEEN_WITHIN = 15.0

#: Seconds after which a worker that has noted nothing is forgotten.
_FORGOTTEN_AFTER = 24 * 3_600.0

openings = Table(
    "ledger_openings",
    metadata,
    #: Id of the opening, which only its worker knows.
    Column("opening_id", Text, primary_key=True),
    #: Number of times that this worker has noted that it has the ledger open.
    Column("notes", Integer, nullable=False),
    #: Time at which it last did, in UTC and ISO 8601, as all times here.
    Column("seen_at", Text, nullable=False),
    #: Time since which the ledger has been complete, as far as this worker can tell.
    Column("continuous_since", Text, nullable=False),
)

TABLES = (openings,)

_Row = Row[Unpack[tuple[str, str, str | None]]]


class Opening(NamedTuple):
    """Opening of a ledger, as its worker remembers it."""

    opening_id: str
    #: Number of the worker's last note.
    notes: int


def enter(tx: Connection, clock: Clock) -> Opening:
    """Note that a worker opens the ledger."""
    row = _locked(tx)
    for each in tx.execute(select(openings)).all():
        if clock.seconds_since(each.seen_at) > _FORGOTTEN_AFTER:
            leave(tx, Opening(each.opening_id, each.notes))
    return _begin(tx, row, clock.text)


def still_open(tx: Connection, opening: Opening) -> Opening:
    """Note that a worker still has the ledger open; return the opening with this note.

    If the worker's last note is not there, the ledger was restored from a backup in between. If it
    is old, the worker was frozen, and may have been restored together with the ledger. After both
    the worker has to open the ledger anew.
    """
    row, clock = _locked(tx), Clock(tx)
    own = tx.execute(
        select(openings).where(openings.c.opening_id == opening.opening_id)
    ).one_or_none()
    if own is None or own.notes < opening.notes:
        # The notes of the other workers may have been lost, too, so they cannot vouch either.
        tx.execute(update(openings).values(continuous_since=clock.text))
        own = None
    if own is None or abs(clock.seconds_since(own.seen_at)) > SEEN_WITHIN:
        leave(tx, opening)
        return _begin(tx, row, clock.text)
    # Times of the same clock and format can be compared as texts.
    known = min(own.continuous_since, row.continuous_since)
    tx.execute(update(ledger).values(seen_at=clock.text, continuous_since=known))
    noted = opening._replace(notes=own.notes + 1)
    tx.execute(
        update(openings)
        .where(openings.c.opening_id == opening.opening_id)
        .values(notes=noted.notes, seen_at=clock.text, continuous_since=known)
    )
    return noted


def leave(tx: Connection, opening: Opening) -> None:
    """Note that a worker closes the ledger."""
    tx.execute(delete(openings).where(openings.c.opening_id == opening.opening_id))


def _begin(tx: Connection, row: _Row, now: str) -> Opening:
    """Note a gap that ends now, and a new opening."""
    since = min(row.seen_at, row.missing_since or row.seen_at)
    tx.execute(update(ledger).values(seen_at=now, continuous_since=now, missing_since=since))
    opening = Opening(str(uuid4()), notes=1)
    values = {**opening._asdict(), "seen_at": now, "continuous_since": now}
    insert_new(tx, openings, values)
    return opening


def _locked(tx: Connection) -> _Row:
    """Return the times of the ledger; no other worker notes anything until the end of ``tx``."""
    times = select(ledger.c.seen_at, ledger.c.continuous_since, ledger.c.missing_since)
    return tx.execute(times.with_for_update()).one()
