"""The audit finds every kind of broken promise, and nothing else."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from services.audit import SagaFact, audit
from services.ledger import LedgerUnavailable
from services.mock import Services
from services.payment import PaymentService
from tests.harness.builders import an_order, requests_for
from tests.harness.participants import operations
from tests.harness.steps import SERVICES

Ledgers = dict[str, str]


@pytest.fixture(params=["sqlite"])
def ledgers(tmp_path: Path) -> Ledgers:
    """Files, because these tests tamper with them past the services."""
    return {name: f"sqlite:///{tmp_path / name}.db" for name in SERVICES}


def act(services: Services, *names: str) -> str:
    """Have these services act for a new order; returns its run id."""
    requests = requests_for(an_order())
    for name in names:
        operations(services, name)[0](getattr(requests, name))
    return requests.payment.idempotency_key.split("/")[1]


def tamper(ledgers: Ledgers, service: str, statement: str) -> None:
    with sqlite3.connect(ledgers[service].removeprefix("sqlite:///")) as connection:
        assert connection.execute(statement).rowcount > 0


def fact(status: str, *resolved: str) -> SagaFact:
    return SagaFact.model_validate(
        {"saga_id": "any", "status": status, "resolved_manually": resolved}
    )


def problems(ledgers: Ledgers, facts: dict[str, SagaFact] | None = None) -> str:
    return "\n".join(map(str, audit(ledgers, facts).violations))


def test_complete_orders_and_undone_ones_are_clean(services: Services, ledgers: Ledgers) -> None:
    act(services, *SERVICES)
    undone = requests_for(an_order(), run_id="run_2")
    for name in SERVICES:
        act_on, undo = operations(services, name)
        act_on(getattr(undone, name))
        undo(getattr(undone, name))
    report = audit(ledgers)
    assert report.clean
    assert (report.sagas, report.succeeded, report.rolled_back) == (2, 1, 1)


def test_books_in_which_nothing_stands_show_plain_zeros(
    services: Services, ledgers: Ledgers
) -> None:
    assert _amounts(ledgers) == {("0", "0", "0"), ("0.00", "0.00", "0.00")}
    undone = requests_for(an_order()).payment
    services.get(PaymentService).charge(undone)
    services.get(PaymentService).refund(undone)
    assert ("200.00", "200.00", "0.00") in _amounts(ledgers)


def _amounts(ledgers: Ledgers) -> set[tuple[str, str, str]]:
    """Return what a reader of the JSON document sees."""
    services = audit(ledgers).model_dump(mode="json")["services"]
    return {(s["amount_applied"], s["amount_reversed"], s["amount_standing"]) for s in services}


@pytest.mark.parametrize("missing", SERVICES)
def test_an_order_half_done_is_named(services: Services, ledgers: Ledgers, missing: str) -> None:
    run = act(services, *(name for name in SERVICES if name != missing))
    assert run in problems(ledgers)
    for closed in ("succeeded", "rolled_back", "terminated", "gone"):
        assert run in problems(ledgers, {run: fact(closed)})


def test_an_order_under_way_is_not_judged(services: Services, ledgers: Ledgers) -> None:
    run = act(services, "inventory", "payment")
    report = audit(ledgers, {run: fact("open")})
    assert report.clean
    assert report.in_flight == 1


def test_what_an_operator_took_over_may_stand(services: Services, ledgers: Ledgers) -> None:
    run = act(services, "payment")
    assert problems(ledgers, {run: fact("rolled_back")})
    report = audit(ledgers, {run: fact("rolled_back", "process_payment")})
    assert report.clean
    assert report.resolved_manually == 1


def test_what_a_run_left_behind_is_told_from_other_violations(
    services: Services, ledgers: Ledgers
) -> None:
    run = act(services, "payment")
    for ended in ("rolled_back", "terminated", "gone"):
        assert audit(ledgers, {run: fact(ended)}).violations[0].left_behind
        assert audit(ledgers, {run: fact(ended, "process_payment")}).clean
    assert audit(ledgers, {run: fact("succeeded")}).violations[0].left_behind
    tamper(ledgers, "payment", "UPDATE journal SET amount = amount - 1")
    assert not audit(ledgers, {run: fact("rolled_back")}).violations[0].left_behind


def test_a_saga_that_rolled_back_but_left_everything_is_named(
    services: Services, ledgers: Ledgers
) -> None:
    run = act(services, *SERVICES)
    assert run in problems(ledgers, {run: fact("rolled_back")})
    assert not problems(ledgers, {run: fact("succeeded")})


def test_a_saga_that_succeeded_without_any_effect_is_named(
    services: Services, ledgers: Ledgers
) -> None:
    assert "left no effect" in problems(ledgers, {"some-run": fact("succeeded")})


@pytest.mark.parametrize(
    ("service", "statement"),
    [
        ("inventory", "UPDATE stock SET on_hand = on_hand + 1 WHERE item = 'item_1'"),
        ("payment", "UPDATE credit SET available = available - 1 WHERE user_id = 'user_789'"),
        ("payment", "UPDATE journal SET amount = amount - 1"),
        ("payment", "DELETE FROM journal"),
        ("payment", "DELETE FROM fence"),
        ("payment", "UPDATE fence SET state = 'refused'"),
        ("payment", "UPDATE fence SET state = 'reversed'"),
        ("shipping", "UPDATE shipments SET status = 'cancelled'"),
        ("shipping", "DELETE FROM shipments"),
        ("loyalty", "UPDATE points SET balance = balance * 2 WHERE user_id = 'user_789'"),
        ("loyalty", "UPDATE journal SET amount = amount * 2"),
    ],
)
def test_books_that_were_tampered_with_do_not_add_up(
    services: Services, ledgers: Ledgers, service: str, statement: str
) -> None:
    run = act(services, *SERVICES)
    assert audit(ledgers, {run: fact("succeeded")}).clean
    tamper(ledgers, service, statement)
    assert problems(ledgers, {run: fact("succeeded")})


@pytest.mark.parametrize("time", ["noon", "2026-11-28T12:00:00"])
def test_an_age_that_cannot_be_read_proves_nothing(
    services: Services, ledgers: Ledgers, time: str
) -> None:
    run = act(services, "payment")
    tamper(ledgers, "payment", f"UPDATE fence SET created_at = '{time}'")
    assert f"the time '{time}' cannot be read" in problems(ledgers, {run: fact("gone")})


def test_a_ledger_whose_times_cannot_be_read_is_said(services: Services, ledgers: Ledgers) -> None:
    tamper(ledgers, "payment", "UPDATE ledger SET created_at = 'noon'")
    with pytest.raises(LedgerUnavailable, match="the time 'noon' cannot be read"):
        audit(ledgers)


def test_an_effect_that_happened_twice_is_named(services: Services, ledgers: Ledgers) -> None:
    act(services, *SERVICES)
    with sqlite3.connect(ledgers["payment"].removeprefix("sqlite:///")) as connection:
        connection.execute("DROP INDEX journal_once")
    columns = "key, kind, account, amount, reference, at"
    tamper(ledgers, "payment", f"INSERT INTO journal ({columns}) SELECT {columns} FROM journal")
    tamper(
        ledgers,
        "payment",
        "UPDATE credit SET available = available - 20000 WHERE user_id = 'user_789'",
    )
    assert problems(ledgers)


def test_a_missing_ledger_is_said_and_not_created(tmp_path: Path) -> None:
    ledgers = {name: f"sqlite:///{tmp_path / name}.db" for name in SERVICES}
    with pytest.raises(LedgerUnavailable, match="no such file"):
        audit(ledgers)
    assert list(tmp_path.iterdir()) == []
