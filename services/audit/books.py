"""Content of the ledgers, as the audit reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError
from sqlalchemy import select

from messages.ledgers import Home, LedgerIdentity
from messages.participants import BY_SERVICE
from messages.requests import StepRequest
from messages.runs import RunRef
from services.decided import State
from services.fence import fence
from services.identity import identity
from services.journal import journal
from services.kept import Kept
from services.ledger import reading
from services.modules import MODULES
from services.sql import Clock

#: Description of the books of each service, by service.
KEPT: Mapping[str, Kept] = {service: module.BOOKS for service, module in MODULES.items()}


class Operation(NamedTuple):
    """Row of the fence."""

    service: str
    key: str
    saga_id: str
    run_id: str
    step: str
    order_id: str
    state: str
    answer: str | None
    #: None when it cannot be read, or when an operator settled the operation before it arrived.
    request: StepRequest | None
    #: True when an operator has recorded a decision on the operation.
    decided_by_hand: bool
    #: Seconds since the service first received a request for it.
    age: float


class Entry(NamedTuple):
    """Row of the journal."""

    key: str
    kind: str
    account: str
    amount: int
    reference: str


class Balance(NamedTuple):
    """Balance of an account, at the opening of the ledger and now."""

    account: str
    opening: int
    now: int


class Book(NamedTuple):
    """Content of one service's ledger at one instant."""

    service: str
    identity: LedgerIdentity
    operations: Sequence[Operation]
    entries: Sequence[Entry]
    balances: Sequence[Balance]


def read_book(service: str, url: str, home: Home | None = None) -> Book:
    """Read a ledger at one instant.

    Raises:
        LedgerUnavailable: it does not exist, cannot be read, or has another home.
    """
    kept, j = KEPT[service], journal.c
    with reading(service, url, home) as tx:
        # The identity must be read before the ages of operations are: see messages/verdicts.py.
        itself, clock = identity(tx), Clock(tx)
        operations = tx.execute(select(fence).order_by(fence.c.created_at, fence.c.key))
        entries = tx.execute(select(j.key, j.kind, j.account, j.amount, j.reference))
        return Book(
            service,
            itself,
            [
                Operation(
                    service,
                    *(row.key, row.saga_id, row.run_id, row.step, row.order_id),
                    *(row.state, row.answer, read_request(service, row.request)),
                    row.settlement is not None,
                    clock.seconds_since(row.created_at),
                )
                for row in operations
            ],
            [Entry(*row) for row in entries],
            [Balance(account, opening, now) for account, opening, now in tx.execute(kept.balances)],
        )


def unsettled_runs(ledgers: Mapping[str, str]) -> tuple[RunRef, ...]:
    """Return the runs that have some of their effects, but not all: open, or a violation.

    Raises:
        LedgerUnavailable: a ledger does not exist or cannot be read.
    """
    f = fence.c
    standing: dict[RunRef, set[str]] = {}
    for service in KEPT:
        with reading(service, ledgers[service]) as tx:
            for saga_id, run_id, step in tx.execute(
                select(f.saga_id, f.run_id, f.step).where(f.state == State.APPLIED.value)
            ):
                standing.setdefault(RunRef(saga_id, run_id), set()).add(step)
    return tuple(run for run, steps in standing.items() if len(steps) < len(KEPT))


def read_request(service: str, text: str) -> StepRequest | None:
    """Return the request in a row of the service's fence; None if it cannot be read."""
    try:
        return BY_SERVICE[service].request.model_validate_json(text)
    except ValidationError:
        return None
