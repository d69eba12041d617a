"""The ledgers, read for the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError
from sqlalchemy import Select, case, literal, select

from messages.base import Command
from messages.inventory import ReserveInventory
from messages.ledgers import Home, LedgerIdentity
from messages.loyalty import AwardLoyaltyPoints
from messages.payment import ProcessPayment
from messages.requests import StepRequest
from messages.runs import RunRef
from messages.shipping import PrepareShipping
from services.decided import State
from services.fence import fence
from services.identity import identity
from services.inventory import stock
from services.journal import journal
from services.ledger import reading
from services.loyalty import points
from services.payment import credit
from services.shipping import shipments
from services.sql import Clock


class Kept(NamedTuple):
    """How one service keeps its books."""

    #: The one step of the order saga that the service takes part in.
    step: str
    command: type[Command]
    #: What its amounts are counted in, how many of the ledger's units make one, and whether
    #: an operation adds to an account or takes from it.
    unit: str
    scale: int
    sign: int
    #: Account, opening balance, balance.
    balances: Select[tuple[str, int, int]]


KEPT: Mapping[str, Kept] = {
    "inventory": Kept(
        "reserve_inventory",
        ReserveInventory,
        "pieces",
        1,
        -1,
        select(stock.c.item, stock.c.opening, stock.c.on_hand),
    ),
    "payment": Kept(
        "process_payment",
        ProcessPayment,
        "money",
        100,
        -1,
        select(credit.c.user_id, credit.c.opening, credit.c.available),
    ),
    "shipping": Kept(
        "prepare_shipping",
        PrepareShipping,
        "shipments",
        1,
        1,
        select(
            shipments.c.shipment_id,
            literal(0),
            case((shipments.c.status == "preparing", 1), else_=0),
        ),
    ),
    "loyalty": Kept(
        "award_loyalty_points",
        AwardLoyaltyPoints,
        "points",
        10_000,
        1,
        select(points.c.user_id, points.c.opening, points.c.balance),
    ),
}


class Operation(NamedTuple):
    """A row of the fence."""

    service: str
    key: str
    saga_id: str
    run_id: str
    step: str
    order_id: str
    state: str
    answer: str | None
    #: None when it cannot be read, and when an operator settled the operation before it came.
    request: StepRequest | None
    #: Whether an operator has recorded a decision on it.
    decided_by_hand: bool
    #: Seconds since the service first heard of it.
    age: float


class Entry(NamedTuple):
    """A row of the journal."""

    key: str
    kind: str
    account: str
    amount: int
    reference: str


class Balance(NamedTuple):
    """Balance of an account: what it held at first, and what it holds now."""

    account: str
    opening: int
    now: int


class Book(NamedTuple):
    """One service's ledger, as it was at one instant."""

    service: str
    identity: LedgerIdentity
    operations: Sequence[Operation]
    entries: Sequence[Entry]
    balances: Sequence[Balance]


def read_book(service: str, url: str, home: Home | None = None) -> Book:
    """Read a ledger at one instant.

    Raises:
        LedgerUnavailable: it does not exist, cannot be read, or does not serve ``home``.
    """
    kept, j = KEPT[service], journal.c
    with reading(service, url, home) as tx:
        # Before the operations are as old as they are found to be: see the verdicts.
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
    """Return the runs of which some effects stand and others do not: under way, or violated.

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
    """Return the request that a row of the service's fence keeps; None if it is unreadable."""
    try:
        request = KEPT[service].command.model_validate_json(text)
    except ValidationError:
        return None
    return request if isinstance(request, StepRequest) else None
