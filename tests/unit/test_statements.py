"""Statements of each operation: as few as are needed, and compiled once.

A change that adds a statement to an operation has to change these numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import NamedTuple
from uuid import uuid4

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.engine.interfaces import CacheStats

from messages.base import Command, Resolution
from messages.failures import OperationReversed, Refused
from messages.settling import Decision, Settle
from services import operation_rows
from services.ledger import Ledger
from services.mock import Services
from tests.harness.builders import an_order, requests_for
from tests.harness.participants import Participant

#: Statements by service. The order has two items, of which each is taken by one statement; the
#: shipping service reads where no carrier delivers.
ACTION = {"inventory": 4, "payment": 3, "shipping": 4, "loyalty": 3}
#: In case of a refusal, two services read how much there is. The customer who is refused has never
#: had any credit, so nothing is tried before.
REFUSAL = {"inventory": 4, "payment": 3, "shipping": 3, "loyalty": 3}


class Work(NamedTuple):
    """Work of a ledger's database."""

    #: Statements, without those that begin and end a transaction.
    statements: list[str]
    #: Those of them that SQLAlchemy had to compile.
    compiled: list[str]
    #: Beginnings of transactions.
    begun: list[Connection]


@pytest.fixture
def ledger(participant: Participant, services: Services) -> Ledger:
    """The participant's ledger."""
    return services.records(participant.name)._ledger


Count = Callable[[Callable[[], object]], tuple[int, int]]


@pytest.fixture
def count(ledger: Ledger) -> Count:
    """Return the numbers of statements and transactions of a call."""

    def counted(call: Callable[[], object]) -> tuple[int, int]:
        with working(ledger) as work, suppress(Refused, OperationReversed):
            call()
        return len(work.statements), len(work.begun)

    return counted


@contextmanager
def working(ledger: Ledger) -> Iterator[Work]:
    """Note what the ledger's database has to do."""
    work = Work([], [], [])

    def executes(
        _tx: Connection,
        _cursor: object,
        statement: str,
        _parameters: object,
        context: DefaultExecutionContext,
        _many: bool,
    ) -> None:
        if context.compiled is not None:  # it does not begin a transaction
            work.statements.append(statement)
            if context.cache_hit is not CacheStats.CACHE_HIT:
                work.compiled.append(statement)

    def begins(tx: Connection) -> None:
        work.begun.append(tx)

    engine = ledger._engine
    event.listen(engine, "before_cursor_execute", executes)
    event.listen(engine, "begin", begins)
    try:
        yield work
    finally:
        event.remove(engine, "before_cursor_execute", executes)
        event.remove(engine, "begin", begins)


def test_an_action_writes_its_row_its_balances_and_its_entries_and_nothing_else(
    participant: Participant, count: Count
) -> None:
    of_a_new_customer, request = participant.request(), participant.request()
    assert count(lambda: participant.act(of_a_new_customer)) == (ACTION[participant.name], 1)
    assert count(lambda: participant.act(request)) == (ACTION[participant.name], 1)
    assert count(lambda: participant.act(request)) == (2, 1)


def test_a_refusal_takes_a_second_transaction_which_writes_only_the_row(
    participant: Participant, count: Count
) -> None:
    request = participant.unacceptable_request()
    assert count(lambda: participant.act(request)) == (REFUSAL[participant.name], 2)
    assert count(lambda: participant.act(request)) == (2, 1)
    assert count(lambda: participant.undo(request)) == (3, 1)


def test_a_compensation_changes_its_row_and_reads_what_it_takes_back(
    participant: Participant, count: Count
) -> None:
    request = participant.request()
    participant.act(request)
    assert count(lambda: participant.undo(request)) == (4, 1)
    assert count(lambda: participant.undo(request)) == (3, 1)
    assert count(lambda: participant.act(request)) == (2, 1)


def test_a_compensation_without_its_action_looks_for_a_row_and_inserts_one(
    participant: Participant, count: Count
) -> None:
    request = participant.request()
    assert count(lambda: participant.undo(request)) == (2, 1)


def test_an_order_that_was_placed_before_is_refused_without_a_look_at_the_balances(
    participant: Participant, count: Count
) -> None:
    order = an_order()
    first, second = (getattr(requests_for(order, str(uuid4())), participant.name) for _ in range(2))
    participant.act(first)
    assert count(lambda: participant.act(second)) == (3, 2)


def test_a_decision_writes_one_row(participant: Participant, count: Count, ledger: Ledger) -> None:
    applied, kept = participant.request(), participant.request()
    participant.act(applied)
    participant.act(kept)
    # What is kept is sealed, by the clock of the ledger.
    reads_the_clock = ledger._engine.dialect.name == "postgresql"

    assert count(lambda: participant.settle(a_decision(applied, "undone"))) == (1, 1)
    assert count(lambda: participant.settle(a_decision(kept, "kept"))) == (1 + reads_the_clock, 1)
    unknown = a_decision(participant.request(), "undone")
    assert count(lambda: participant.settle(unknown)) == (2, 1)


def test_no_statement_is_compiled_twice(participant: Participant, ledger: Ledger) -> None:
    def everything() -> None:
        acted, refused = participant.request(), participant.unacceptable_request()
        for request in (acted, acted, refused, refused):
            with suppress(Refused):
                participant.act(request)
        for request in (acted, acted, refused, participant.request()):
            participant.undo(request)
        participant.settle(a_decision(participant.request(), "undone"))

    everything()
    with working(ledger) as work:
        everything()
    assert work.statements
    assert work.compiled == []


def test_what_is_in_the_way_of_a_new_row_is_found_by_two_indexes(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        explain = "EXPLAIN"
        if tx.dialect.name == "sqlite":
            explain += " QUERY PLAN"
        else:
            tx.execute(text("SET LOCAL enable_seqscan = off"))  # the table is empty
        lines = tx.execute(
            text(f"{explain} {operation_rows._IN_THE_WAY.text}"),
            {"key": "a/b/c", "order_id": "order_1", "step": "c"},
        )
        plan = "\n".join(" ".join(map(str, line)) for line in lines)
    assert "fence_standing" in plan
    assert "fence_pkey" in plan or "sqlite_autoindex_fence_1" in plan


def a_decision(request: Command, decision: Decision) -> Settle:
    """Return an operator's decision on the operation of this request."""
    evidence = Resolution(operator="anna", note="by phone", at=datetime.now(timezone.utc))
    return Settle(
        idempotency_key=request.idempotency_key,
        order_id=request.order_id,
        decision=decision,
        resolution=evidence,
    )
