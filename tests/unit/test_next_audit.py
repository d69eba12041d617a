"""The next audit reads what no audit has proved, and finds what a full audit finds there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from messages.base import Resolution
from messages.failures import Refused
from messages.runs import SagaFact
from messages.settling import Settle
from services.audit import audit
from services.mock import Services
from tests.harness.audits import RunByHand, continues, next_audit, tamper
from tests.harness.steps import SERVICES

Ledgers = dict[str, str]


@pytest.fixture
def a_mixture(services: Services) -> Callable[[], dict[str, SagaFact]]:
    """Makes orders of each kind, and returns what Temporal says of them."""

    def make() -> dict[str, SagaFact]:
        refused = RunByHand(services, user_id="user_broke").acts("inventory")
        with pytest.raises(Refused):
            refused.acts("payment")
        return {
            **RunByHand(services).acts().ended("succeeded"),
            **RunByHand(services, user_id="user_1").acts().ended("succeeded"),
            **RunByHand(services)
            .acts("inventory", "payment")
            .undoes("payment", "inventory")
            .ended("rolled_back"),
            **refused.undoes("inventory").ended("rolled_back"),
            **RunByHand(services).acts("inventory").ended("open"),
        }

    return make


def test_the_next_audit_says_what_a_full_one_says(
    ledgers: Ledgers, a_mixture: Callable[[], dict[str, SagaFact]]
) -> None:
    facts: dict[str, SagaFact] = {}
    for _ in range(3):
        fresh = a_mixture()
        facts.update(fresh)
        in_flight = {run: fact for run, fact in facts.items() if fact.status == "open"}
        assert next_audit(ledgers, {**fresh, **in_flight}) == audit(ledgers, facts)
        assert continues(ledgers)
    assert next_audit(ledgers, in_flight) == audit(ledgers, facts)
    assert next_audit(ledgers, facts, full=True) == audit(ledgers, facts)
    assert next_audit(ledgers, in_flight) == audit(ledgers, facts)


def test_what_is_proved_is_read_again_by_a_full_one_only(
    services: Services, ledgers: Ledgers
) -> None:
    run = RunByHand(services).acts()
    assert next_audit(ledgers, run.ended("succeeded")).clean
    tamper(ledgers["payment"], "UPDATE journal SET amount = amount + 1")
    assert next_audit(ledgers).clean
    assert not next_audit(ledgers, full=True).clean
    assert not next_audit(ledgers).clean


@pytest.mark.parametrize("undone", [SERVICES, ("payment",)])
def test_a_run_that_changes_after_it_was_proved_is_judged_again(
    services: Services, ledgers: Ledgers, undone: tuple[str, ...]
) -> None:
    run = RunByHand(services).acts()
    other = RunByHand(services).acts()
    assert next_audit(ledgers, {**run.ended("succeeded"), **other.ended("succeeded")}).clean
    run.undoes(*undone)
    for _ in range(2):
        report = next_audit(ledgers, run.ended("succeeded"))
        [violation] = report.violations
        assert violation.run_id == run.id
        assert report == audit(ledgers, {**run.ended("succeeded"), **other.ended("succeeded")})
    run.undoes()
    report = next_audit(ledgers, run.ended("rolled_back"))
    assert report.clean
    assert (report.succeeded, report.rolled_back) == (1, 1)
    assert next_audit(ledgers) == report


def test_a_decision_on_what_was_proved_is_counted(services: Services, ledgers: Ledgers) -> None:
    run = RunByHand(services).acts()
    assert next_audit(ledgers).resolved_manually == 0
    kept = Settle(
        idempotency_key=run.requests.payment.idempotency_key,
        order_id=run.requests.payment.order_id,
        resolution=Resolution(operator="ada", note="right", at=datetime.now(timezone.utc)),
        decision="kept",
    )
    services["payment"].settle(kept)
    for _ in range(2):
        report = next_audit(ledgers)
        assert report == audit(ledgers, {})
        assert report.resolved_manually == 1


def test_a_violation_is_reported_until_it_is_gone(services: Services, ledgers: Ledgers) -> None:
    run = RunByHand(services).acts("inventory", "payment")
    RunByHand(services).acts()
    for _ in range(3):
        [violation] = next_audit(ledgers, run.ended("terminated")).violations
        assert violation.run_id == run.id
    run.undoes("payment", "inventory")
    for _ in range(2):
        report = next_audit(ledgers, run.ended("terminated"))
        assert report.clean
        assert (report.succeeded, report.rolled_back) == (1, 1)


@pytest.mark.parametrize(
    ("service", "wrong", "right"),
    [
        (
            "inventory",
            "UPDATE stock SET on_hand = on_hand + 1 WHERE item = 'item_1'",
            "UPDATE stock SET on_hand = on_hand - 1 WHERE item = 'item_1'",
        ),
        (
            "payment",
            "INSERT INTO journal (key, kind, account, amount, reference, at)"
            " VALUES ('a/b/c', 'apply', 'user_789', 0, 'x', 'y')",
            "DELETE FROM journal WHERE key = 'a/b/c'",
        ),
        (
            "shipping",
            "UPDATE shipments SET status = 'cancelled'",
            "UPDATE shipments SET status = 'preparing'",
        ),
    ],
)
def test_books_that_do_not_add_up_are_reported_until_they_do(
    services: Services, ledgers: Ledgers, service: str, wrong: str, right: str
) -> None:
    facts = RunByHand(services).acts().ended("succeeded")
    assert next_audit(ledgers, facts).clean
    tamper(ledgers[service], wrong)
    assert not next_audit(ledgers, facts, full=True).clean
    RunByHand(services).acts()
    for _ in range(2):
        assert not next_audit(ledgers).clean
        assert not continues(ledgers)
    tamper(ledgers[service], right)
    assert next_audit(ledgers).clean
    assert continues(ledgers)


@pytest.mark.parametrize(
    "wrong",
    [
        # An entry that is newer than the audit, of no operation and of one that is proved.
        "INSERT INTO journal (key, kind, account, amount, reference, at)"
        " VALUES ('a/b/c', 'apply', 'user_789', 0, 'x', 'y')",
        "INSERT INTO journal (key, kind, account, amount, reference, at)"
        " SELECT key, kind, 'user_1', 0, reference, at FROM journal",
        "UPDATE fence SET state = 'reversed'",
    ],
)
def test_what_changed_since_the_last_audit_is_found(
    services: Services, ledgers: Ledgers, wrong: str
) -> None:
    facts = RunByHand(services).acts().ended("succeeded")
    assert next_audit(ledgers, facts).clean
    tamper(ledgers["payment"], wrong)
    for _ in range(2):
        assert not next_audit(ledgers).clean


def test_the_balance_of_an_account_with_news_is_compared(
    services: Services, ledgers: Ledgers
) -> None:
    RunByHand(services).acts()
    assert next_audit(ledgers).clean
    tamper(ledgers["loyalty"], "UPDATE points SET balance = balance + 1 WHERE user_id = 'user_789'")
    assert next_audit(ledgers).clean
    RunByHand(services).acts()
    assert not next_audit(ledgers).clean
