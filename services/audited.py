"""Progress of the audits, as each ledger keeps it: an audit reads only what none has proved yet.

A row of the fence is *counted* once an audit has proved its run. Its column ``audited`` then has
the state in which it was proved. So a row whose state has changed since is found, and what it had
counted for is known. The progress of a ledger is the sum of its counted rows.

Proof rests on all ledgers together, so all of them keep the id of the last audit. A ledger that
was lost or restored from a backup has another id or none, and the next audit reads everything. An
audit removes the id before it changes the first row and writes its own after the last one. So
an audit that is interrupted only makes the next one read everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import ValidationError
from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text, select, update

from messages.base import Message
from services.sql import insert_new, metadata

#: Value of ``audited`` for an operation that an audit saw and could not prove.
DOUBTED = "doubted"
#: States in which operations are proved; :attr:`~services.decided.State.SETTLED` is a decision of
#: an operator, at which each audit looks.
PROVED = ("applied", "refused", "reversed")

audits = Table(
    "audits",
    metadata,
    #: Always 1: the table has one row, or none before the first audit.
    Column("row", Integer, primary_key=True, autoincrement=False),
    #: Id of the last audit; NULL while one changes the rows of the fence.
    Column("audit_id", Text),
    #: Number of the transactions of all audits. It shows an audit that another one is at work.
    Column("writes", Integer, nullable=False),
    #: The progress, in JSON.
    Column("progress", Text, nullable=False),
)
#: Sum of the counted entries of the journal, by account and currency.
audited_accounts = Table(
    "audited_accounts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("currency", Text, primary_key=True, server_default=""),
    Column("amount", BigInteger, nullable=False),
)

TABLES = (audits, audited_accounts)


class Progress(Message):
    """Totals of what the audits have proved. The first four are the same in all ledgers."""

    #: The runs that the audit compared with the ledgers, by namespace and task queue.
    scope: str = ""
    #: Time by Temporal's clock: later audits need not list runs that closed before.
    listed_until: str | None = None
    #: Number of runs that are proved, by verdict.
    succeeded: int = 0
    rolled_back: int = 0
    #: Number of counted operations, by state.
    operations: Mapping[str, int] = {}
    #: Sum of the counted entries, by kind, and by kind and currency: ``apply``, ``apply EUR``.
    moved: Mapping[str, int] = {}
    #: Id of the last entry of the journal.
    last_entry: int = 0


class Audited(NamedTuple):
    """Row of a ledger about its audits."""

    audit_id: str | None = None
    writes: int = 0
    progress: Progress = Progress()


class AnotherAudit(Exception):
    """Another audit is changing the same ledger."""


def audited(tx: Connection) -> Audited:
    """Return what a ledger knows about its audits; nothing, if that cannot be read."""
    a = audits.c
    row = tx.execute(select(a.audit_id, a.writes, a.progress)).one_or_none()
    if row is None:
        return Audited()
    try:
        return Audited(row.audit_id, row.writes, Progress.model_validate_json(row.progress))
    except ValidationError:
        return Audited(None, row.writes)


def note(tx: Connection, writes: int, changes: Mapping[str, str | None]) -> int:
    """Write the row, as a part of a transaction of an audit; return the number of writes.

    Args:
        tx: a transaction of the ledger.
        writes: the number that the audit knows.
        changes: new values of columns.

    Raises:
        AnotherAudit: the ledger has another number.
    """
    if writes == 0:
        empty = {"row": 1, "writes": 1, "progress": Progress().model_dump_json()}
        if not insert_new(tx, audits, empty | dict(changes)):
            raise AnotherAudit
        return 1
    ours = update(audits).where(audits.c.writes == writes)
    if tx.execute(ours.values(writes=writes + 1, **changes)).rowcount != 1:
        raise AnotherAudit
    return writes + 1
