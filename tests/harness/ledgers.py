"""Contents of the ledgers after the fact, read past the services."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import create_engine, func, select, update

from messages.base import Resolution
from services.audit.books import KEPT
from services.decided import State
from services.fence import fence
from services.identity import ledger
from services.journal import journal
from services.ledger import reading
from settings import Settings


def standing_steps(settings: Settings, order_id: str) -> set[str]:
    """Return the steps of the order, in any of its runs, whose effects stand."""
    applied = select(fence.c.step).where(
        fence.c.order_id == order_id, fence.c.state == State.APPLIED.value
    )
    found: set[str] = set()
    for service, url in settings.ledger_urls().items():
        with reading(service, url) as tx:
            found.update(tx.execute(applied).scalars())
    return found


def states(settings: Settings, order_id: str) -> dict[str, list[str]]:
    """By step, what the ledgers say of it in each run of the order, the first one first."""
    f = fence.c
    of_order = select(f.step, f.state).where(f.order_id == order_id).order_by(f.created_at, f.key)
    found: dict[str, list[str]] = {}
    for service, url in settings.ledger_urls().items():
        with reading(service, url) as tx:
            for step, state in tx.execute(of_order):
                found.setdefault(step, []).append(state)
    return found


def decisions(settings: Settings, order_id: str) -> dict[str, Resolution]:
    """By step of the order, in any of its runs, what an operator has recorded about it."""
    recorded = select(fence.c.step, fence.c.settlement).where(
        fence.c.order_id == order_id, fence.c.settlement.is_not(None)
    )
    found: dict[str, Resolution] = {}
    for service, url in settings.ledger_urls().items():
        with reading(service, url) as tx:
            for step, decision in tx.execute(recorded):
                found[step] = Resolution.model_validate_json(decision)
    return found


def operations(settings: Settings) -> int:
    """Count the operations, of whatever order and end, that ever reached a service."""
    total = 0
    for service, url in settings.ledger_urls().items():
        with reading(service, url) as tx:
            total += tx.execute(select(func.count()).select_from(fence)).scalar_one()
    return total


def effects(settings: Settings, order_id: str) -> int:
    """Count the operations of the order that were ever applied, reversed later or not."""
    applied = (
        select(func.count(func.distinct(journal.c.key)))
        .join(fence, fence.c.key == journal.c.key)
        .where(fence.c.order_id == order_id, journal.c.kind == "apply")
    )
    total = 0
    for service, url in settings.ledger_urls().items():
        with reading(service, url) as tx:
            total += tx.execute(applied).scalar_one()
    return total


class Balance(NamedTuple):
    """Balance of an account, at the opening of the ledger and now."""

    account: str
    currency: str
    opening: int
    now: int


def balances(service: str, url: str) -> list[Balance]:
    """Return the balances of one ledger's accounts."""
    with reading(service, url) as tx:
        return [Balance(*row) for row in tx.execute(KEPT[service].balances)]


def applied_keys(service: str, url: str) -> set[str]:
    """Return the keys of the operations whose effects stand in one ledger."""
    applied = select(fence.c.key).where(fence.c.state == State.APPLIED.value)
    with reading(service, url) as tx:
        return set(tx.execute(applied).scalars())


def references(service: str, url: str) -> list[str]:
    """Return the references of the entries in one ledger's journal, the first one first."""
    with reading(service, url) as tx:
        return list(tx.execute(select(journal.c.reference).order_by(journal.c.id)).scalars())


def have_been_open_for_long(settings: Settings) -> None:
    """Have new ledgers prove something about runs that begin at once.

    On a busy machine more may pass between the reconciler's questions than between the opening
    of a ledger and the first order.
    """
    long_ago = "2026-01-01T00:00:00.000+00:00"
    for url in settings.ledger_urls().values():
        engine = create_engine(url)
        with engine.begin() as tx:
            opened = tx.execute(select(ledger.c.created_at, ledger.c.continuous_since)).one()
            if opened.created_at == opened.continuous_since:
                tx.execute(update(ledger).values(created_at=long_ago, continuous_since=long_ago))
        engine.dispose()
