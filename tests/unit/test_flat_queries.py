"""Queries of the next audit and of a status: they do not depend on how many orders there were."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, event, insert, make_url, text

from messages.ids import OperationId
from messages.ledgers import Home
from messages.participants import STEP_OF
from services.audited import audited_accounts
from services.fence import fence
from services.journal import journal
from services.lookup import look_up_order
from services.loyalty import points
from services.mock import Services
from services.payment import credit
from services.shipping import shipments
from tests.harness.audits import next_audit
from tests.harness.builders import an_order, requests_for
from tests.harness.participants import operations
from tests.harness.steps import SERVICES

#: With fewer, PostgreSQL reads tables from end to end, because they are short. SQLite's plans do
#: not depend on it.
ORDERS = {"postgresql": 5_000, "sqlite": 100}
_AT = "2026-01-01T00:00:00.000+00:00"
#: Tables that have rows for every order, or for every customer.
_LONG = "fence|journal|credit|points|shipments|audited_accounts"
#: The one index that may be read from end to end: it has only what no audit has proved.
_SHORT = "fence_unaudited"
_READ_WHOLE = {
    "sqlite": re.compile(rf"^SCAN ({_LONG})\b(?!.* {_SHORT}\b)", re.MULTILINE),
    "postgresql": re.compile(
        rf"Seq Scan on ({_LONG})\b|Scan using (?!{_SHORT})\w+ on ({_LONG})\b.*\n(?!Index Cond)"
    ),
}


def place(services: Services, run_id: str) -> str:
    """Have all services act for a new order; returns its id."""
    order = an_order()
    for name in SERVICES:
        operations(services, name)[0](getattr(requests_for(order, run_id), name))
    return order.order_id


def operation(service: str, number: int) -> dict[str, object]:
    # Their order in the table is another one than that in an index.
    run_id = f"00000000-{number * 7_919 % 10_007:08}"
    named = OperationId(f"order_saga_{number}", run_id, STEP_OF[service])
    state = {"state": "applied", "audited": "applied", "sealed": 1, "request": "{}"}
    times = {"created_at": _AT, "updated_at": _AT}
    return {"key": str(named), **named._asdict(), "order_id": str(number), **state, **times}


def entry(service: str, number: int) -> dict[str, object]:
    key = operation(service, number)["key"]
    amounts = {"account": f"account_{number}", "amount": 1, "reference": "r", "at": _AT}
    # Older than any entry since.
    return {"id": -number, "key": key, "kind": "apply", **amounts}


@pytest.fixture
def long_ledgers(services: Services, ledgers: dict[str, str]) -> dict[str, str]:
    """Ledgers with a long history that an audit has proved."""
    place(services, "first")
    assert next_audit(ledgers).clean
    numbers = range(1, ORDERS[make_url(ledgers["payment"]).get_backend_name()])
    accounts = [f"account_{number}" for number in numbers]
    shipped = {"order_id": "o", "user_id": "u", "address": "a", "status": "preparing"}
    of_service = {
        "payment": insert(credit).values(
            [{"user_id": a, "opening": 0, "available": 0} for a in accounts]
        ),
        "shipping": insert(shipments).values(
            [{"shipment_id": a, "tracking_number": a, **shipped} for a in accounts]
        ),
        "loyalty": insert(points).values(
            [{"user_id": a, "closed": False, "opening": 0, "balance": 0} for a in accounts]
        ),
    }
    for service in SERVICES:
        with services.records(service)._ledger.transaction() as tx:
            tx.execute(insert(fence), [operation(service, number) for number in numbers])
            tx.execute(insert(journal), [entry(service, number) for number in numbers])
            tx.execute(insert(audited_accounts), [{"account": a, "amount": 1} for a in accounts])
            if service in of_service:
                tx.execute(of_service[service])
            if tx.dialect.name == "postgresql":
                tx.execute(text("ANALYZE"))
    return ledgers


@contextmanager
def plans() -> Iterator[list[tuple[str, str, str]]]:
    """Note dialect, statement and plan of everything that any ledger is asked."""
    found: list[tuple[str, str, str]] = []

    def note(
        tx: Connection, _: object, statement: str, parameters: Sequence[object], *__: object
    ) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            dialect = tx.dialect.name
            explain = "EXPLAIN QUERY PLAN" if dialect == "sqlite" else "EXPLAIN"
            # One of many rows that are updated by the same statement.
            given = parameters[0] if isinstance(parameters, list) else parameters
            cursor = tx.connection.cursor()
            cursor.execute(f"{explain} {statement}", given)
            lines = [str(line[-1]).strip() for line in cursor.fetchall()]
            found.append((dialect, statement, "\n".join(lines)))

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


def assert_flat(found: list[tuple[str, str, str]]) -> None:
    assert any("fence" in statement for _, statement, _ in found)
    whole = [
        f"{statement}\n{plan}"
        for dialect, statement, plan in found
        if _READ_WHOLE[dialect].search(plan)
    ]
    assert not whole, "\n\n".join(whole)


def test_an_audit_reads_what_no_audit_has_proved_and_an_order_is_looked_up_by_its_id(
    services: Services, long_ledgers: dict[str, str]
) -> None:
    order_id = [place(services, f"later {number}") for number in range(3)][-1]
    with plans() as audited:
        report = next_audit(long_ledgers)
    assert report.clean, report.violations
    assert report.succeeded == 4
    assert_flat(audited)
    with plans() as looked_up:
        known = look_up_order(long_ledgers, order_id, Home("any", "any"))
    assert known.runs[0].complete
    assert_flat(looked_up)
