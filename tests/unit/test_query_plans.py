"""Queries of the reconciler: found by an index, however long a ledger's history is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, event, insert, text

from messages.ids import OperationId
from services.decided import State
from services.fence import fence
from services.ledger import Ledger
from services.mock import Services
from services.records import LedgerRecords

ORDERS = 5_000
#: Every so manieth effect is not sealed yet.
EVERY = 500

Plan = Callable[[], str]


def row(number: int) -> dict[str, object]:
    operation = OperationId(f"order_saga_{number}", f"run-{number:08}", "process_payment")
    return {
        "key": str(operation),
        **operation._asdict(),
        "order_id": str(number),
        "state": State.APPLIED.value,
        "request": "{}",
        "sealed": int(number % EVERY != 0),
        "created_at": "2026-01-01T00:00:00.000+00:00",
        "updated_at": "2026-01-01T00:00:00.000+00:00",
    }


@pytest.fixture
def ledger(services: Services) -> Ledger:
    """The payment ledger, with a long history."""
    ledger = services.records("payment")._ledger
    with ledger.transaction() as tx:
        tx.execute(insert(fence), [row(number) for number in range(ORDERS)])
        if tx.dialect.name == "postgresql":
            tx.execute(text("ANALYZE fence"))
    return ledger


@pytest.fixture
def plan(ledger: Ledger) -> Iterator[Plan]:
    """Return the database's plan for what it was asked last, with the very parameters."""
    asked: list[tuple[str, object]] = []

    def note(_tx: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith(("SELECT fence", "UPDATE fence")):
            asked.append((statement, parameters))

    def explained() -> str:
        with ledger.transaction() as tx:
            return _explained(tx, *asked[-1])

    engine: Engine = ledger._engine
    event.listen(engine, "before_cursor_execute", note)
    yield explained
    event.remove(engine, "before_cursor_execute", note)


def _explained(tx: Connection, statement: str, parameters: object) -> str:
    explain = "EXPLAIN QUERY PLAN" if tx.dialect.name == "sqlite" else "EXPLAIN"
    lines = tx.exec_driver_sql(f"{explain} {statement}", parameters)  # type: ignore[arg-type]
    return "\n".join(" ".join(map(str, line)) for line in lines)


def test_what_is_unsettled_is_found_by_the_index_of_exactly_that(
    ledger: Ledger, plan: Plan
) -> None:
    found = LedgerRecords(ledger).unsettled("")
    assert len(found.runs) == ORDERS // EVERY
    assert "fence_unsealed" in plan()


def test_the_operations_of_runs_are_found_by_their_run_ids(ledger: Ledger, plan: Plan) -> None:
    run_ids = [f"run-{number:08}" for number in range(0, ORDERS, 100)]
    found = LedgerRecords(ledger).operations(run_ids)
    assert len(found) == len(run_ids)
    assert "fence_run" in plan()


def test_one_runs_operation_is_found_by_its_run_id(ledger: Ledger, plan: Plan) -> None:
    assert LedgerRecords(ledger).operation(f"run-{1:08}") is not None
    assert "fence_run" in plan()


def test_what_is_sealed_is_found_by_an_index(ledger: Ledger, plan: Plan) -> None:
    records = LedgerRecords(ledger)
    run_ids = [f"run-{number:08}" for number in range(0, ORDERS, EVERY)]
    assert records.seal(run_ids) == ORDERS // EVERY
    assert any(index in plan() for index in ("fence_unsealed", "fence_run"))
    assert records.unsettled("").runs == ()


def test_what_was_sealed_lately_is_found_by_the_index_of_when_that_was(
    ledger: Ledger, plan: Plan
) -> None:
    records = LedgerRecords(ledger)
    records.seal([f"run-{number:08}" for number in range(0, ORDERS, EVERY)])
    assert records.unseal(3_600) == ORDERS // EVERY
    assert "fence_sealed" in plan()


def test_all_of_a_long_history_is_unsealed_a_part_at_a_time(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.records._UNSEALED_AT_ONCE", 3_000)
    records = LedgerRecords(ledger)
    sealed = ORDERS - ORDERS // EVERY
    forever = 100 * 365 * 24 * 3_600.0
    assert [records.unseal(forever) for _ in range(3)] == [3_000, sealed - 3_000, 0]
