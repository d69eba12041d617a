"""The next audit reads what no audit has proved, and finds what a full audit finds there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

import pytest

from messages.base import Resolution
from messages.failures import Refused
from messages.runs import SagaFact
from messages.settling import Settle
from services.audit import AnotherAudit, audit, open_books
from services.audit.marks import Marked, Marks
from services.audit.sums import last_entry
from services.audited import Progress
from services.mock import Services, open_services
from tests.harness.audits import SCOPE, begun, continues, next_audit, tamper
from tests.harness.builders import OrderRequests, an_order, requests_for
from tests.harness.participants import operations
from tests.harness.steps import SERVICES

Ledgers = dict[str, str]


class Run:
    """Run of an order whose services are called by hand."""

    def __init__(self, services: Services, **order: object) -> None:
        self.id = str(uuid4())
        self._services = services
        self.requests: OrderRequests = requests_for(an_order(**order), self.id)  # type: ignore[arg-type]

    def acts(self, *names: str) -> Run:
        for name in names or SERVICES:
            operations(self._services, name)[0](getattr(self.requests, name))
        return self

    def undoes(self, *names: str) -> Run:
        for name in names or SERVICES:
            operations(self._services, name)[1](getattr(self.requests, name))
        return self

    def ended(self, status: str) -> dict[str, SagaFact]:
        return {self.id: SagaFact.model_validate({"saga_id": "any", "status": status})}


@pytest.fixture
def a_mixture(services: Services) -> Callable[[], dict[str, SagaFact]]:
    """Makes orders of each kind, and returns what Temporal says of them."""

    def make() -> dict[str, SagaFact]:
        refused = Run(services, user_id="user_broke").acts("inventory")
        with pytest.raises(Refused):
            refused.acts("payment")
        return {
            **Run(services).acts().ended("succeeded"),
            **Run(services, user_id="user_1").acts().ended("succeeded"),
            **Run(services)
            .acts("inventory", "payment")
            .undoes("payment", "inventory")
            .ended("rolled_back"),
            **refused.undoes("inventory").ended("rolled_back"),
            **Run(services).acts("inventory").ended("open"),
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
    run = Run(services).acts()
    assert next_audit(ledgers, run.ended("succeeded")).clean
    tamper(ledgers["payment"], "UPDATE journal SET amount = amount + 1")
    assert next_audit(ledgers).clean
    assert not next_audit(ledgers, full=True).clean
    assert not next_audit(ledgers).clean


@pytest.mark.parametrize("undone", [SERVICES, ("payment",)])
def test_a_run_that_changes_after_it_was_proved_is_judged_again(
    services: Services, ledgers: Ledgers, undone: tuple[str, ...]
) -> None:
    run = Run(services).acts()
    other = Run(services).acts()
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
    run = Run(services).acts()
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
    run = Run(services).acts("inventory", "payment")
    Run(services).acts()
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
    facts = Run(services).acts().ended("succeeded")
    assert next_audit(ledgers, facts).clean
    tamper(ledgers[service], wrong)
    assert not next_audit(ledgers, facts, full=True).clean
    Run(services).acts()
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
    facts = Run(services).acts().ended("succeeded")
    assert next_audit(ledgers, facts).clean
    tamper(ledgers["payment"], wrong)
    for _ in range(2):
        assert not next_audit(ledgers).clean


def test_the_balance_of_an_account_with_news_is_compared(
    services: Services, ledgers: Ledgers
) -> None:
    Run(services).acts()
    assert next_audit(ledgers).clean
    tamper(ledgers["loyalty"], "UPDATE points SET balance = balance + 1 WHERE user_id = 'user_789'")
    assert next_audit(ledgers).clean
    Run(services).acts()
    assert not next_audit(ledgers).clean


@pytest.mark.parametrize("ledgers", ["sqlite"], indirect=True)
def test_after_a_ledger_was_restored_everything_is_read(ledgers: Ledgers, tmp_path: Path) -> None:
    file, backup = Path(ledgers["payment"].removeprefix("sqlite:///")), tmp_path / "backup"
    with closing(open_services(ledgers)) as services:
        Run(services).acts()
    assert next_audit(ledgers).clean
    shutil.copy(file, backup)
    with closing(open_services(ledgers)) as services:
        lost = Run(services).acts()
    assert next_audit(ledgers).clean
    shutil.copy(backup, file)
    assert not continues(ledgers)
    for _ in range(2):
        [violation] = next_audit(ledgers, lost.ended("succeeded")).violations
        assert violation.run_id == lost.id
        assert continues(ledgers)


@pytest.mark.parametrize("ledgers", ["sqlite"], indirect=True)
def test_after_a_ledger_was_lost_everything_is_read(ledgers: Ledgers) -> None:
    with closing(open_services(ledgers)) as services:
        lost = Run(services).acts()
    assert next_audit(ledgers).clean
    Path(ledgers["payment"].removeprefix("sqlite:///")).unlink()
    with closing(open_services(ledgers)):
        pass
    [violation] = next_audit(ledgers, lost.ended("succeeded")).violations
    assert violation.run_id == lost.id


def test_other_runs_of_temporal_make_it_read_everything(
    services: Services, ledgers: Ledgers
) -> None:
    Run(services).acts()
    assert next_audit(ledgers).clean
    assert continues(ledgers)
    tamper(ledgers["inventory"], "UPDATE audits SET progress = replace(progress, 'tests', 'moon')")
    assert not continues(ledgers)


def test_progress_that_cannot_be_read_counts_for_nothing(
    services: Services, ledgers: Ledgers
) -> None:
    Run(services).acts()
    assert next_audit(ledgers).clean
    tamper(ledgers["shipping"], "UPDATE audits SET progress = 'what?'")
    assert not continues(ledgers)
    assert next_audit(ledgers) == audit(ledgers, {})
    assert continues(ledgers)


def test_after_an_audit_that_was_interrupted_everything_is_read(
    services: Services, ledgers: Ledgers
) -> None:
    Run(services).acts()
    assert next_audit(ledgers).clean
    Run(services).acts()
    with closing(begun(ledgers)) as interrupted:
        interrupted.read()
    assert not continues(ledgers)
    report = next_audit(ledgers)
    assert report == audit(ledgers, {})
    assert next_audit(ledgers) == report


def test_of_two_audits_at_once_one_leaves_its_marks(services: Services, ledgers: Ledgers) -> None:
    Run(services).acts()
    assert next_audit(ledgers).clean
    Run(services).acts()
    with closing(begun(ledgers)) as one, closing(begun(ledgers, full=True)) as other:
        one.read()
        other.read()
        assert one.finish() == other.finish() == audit(ledgers, {})
    assert next_audit(ledgers) == audit(ledgers, {})
    with closing(begun(ledgers)) as late:
        Run(services).acts()
        next_audit(ledgers)
        with pytest.raises(AnotherAudit):
            late.read()


def test_what_two_audits_prove_at_once_is_counted_once(
    services: Services, ledgers: Ledgers
) -> None:
    Run(services).acts()
    assert next_audit(ledgers).clean
    run = Run(services).acts()
    with open_books(ledgers) as books, ExitStack() as opened:
        since = {book.service: book.audited.progress for book in books}
        audits = [Marks(ledgers, books, since) for _ in range(2)]
        for marks in audits:
            opened.callback(marks.close)
        for book in books:
            [operation] = book.operations([run.id])
            entries = book.entries([operation.key])[operation.key]
            for marks in audits:
                marks.set(book.service, [Marked(operation, operation.state, entries)])
        newest = {book.service: last_entry(book) for book in books}
        for marks in audits:
            marks.finish(Progress(scope=SCOPE, succeeded=2), newest, valid=True)
    assert continues(ledgers)
    Run(services).acts()
    assert next_audit(ledgers) == audit(ledgers, {})


@pytest.mark.parametrize("ledgers", ["sqlite"], indirect=True)
def test_ledgers_that_cannot_be_written_are_audited_all_the_same(
    services: Services, ledgers: Ledgers
) -> None:
    tamper(
        ledgers["shipping"],
        "CREATE TRIGGER refuse BEFORE INSERT ON audits BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    run = Run(services).acts("inventory")
    for _ in range(2):
        report = next_audit(ledgers, run.ended("rolled_back"))
        assert [violation.run_id for violation in report.violations] == [run.id]
        assert not continues(ledgers)


@pytest.mark.parametrize("proved_before", [True, False])
def test_an_effect_that_stands_twice_is_named_each_time(
    services: Services, ledgers: Ledgers, *, proved_before: bool
) -> None:
    facts = Run(services, order_id="order_twice").acts().ended("succeeded")
    if proved_before:
        assert next_audit(ledgers, facts).clean
    for url in ledgers.values():
        tamper(url, "DROP INDEX fence_standing")
    again = Run(services, order_id="order_twice").acts()
    for _ in range(3):
        violations = next_audit(ledgers, {**facts, **again.ended("succeeded")}).violations
        assert [v.service for v in violations if "stands 2 times" in v.problem] == list(SERVICES)
    again.undoes()
    for _ in range(2):
        assert next_audit(ledgers, again.ended("rolled_back")).clean
