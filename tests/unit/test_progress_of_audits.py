"""Progress of the audits: after a loss, a restoration or an interruption, everything is read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from services.audit import AnotherAudit, audit, open_books
from services.audit.marks import Marked, Marks
from services.audit.sums import last_entry
from services.audited import Progress
from services.mock import Services, open_services
from tests.harness.audits import SCOPE, RunByHand, begun, continues, next_audit, tamper
from tests.harness.backups import Backup
from tests.harness.steps import SERVICES

Ledgers = dict[str, str]


def test_after_a_ledger_was_restored_everything_is_read(
    ledgers: Ledgers, back_up: Callable[[str], Backup]
) -> None:
    with closing(open_services(ledgers)) as services:
        RunByHand(services).acts()
    assert next_audit(ledgers).clean
    backup = back_up(ledgers["payment"])
    with closing(open_services(ledgers)) as services:
        lost = RunByHand(services).acts()
    assert next_audit(ledgers).clean
    backup.restore()
    assert not continues(ledgers)
    for _ in range(2):
        [violation] = next_audit(ledgers, lost.ended("succeeded")).violations
        assert violation.run_id == lost.id
        assert continues(ledgers)


@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
def test_after_a_ledger_was_lost_everything_is_read(ledgers: Ledgers) -> None:
    with closing(open_services(ledgers)) as services:
        lost = RunByHand(services).acts()
    assert next_audit(ledgers).clean
    Path(ledgers["payment"].removeprefix("sqlite:///")).unlink()
    with closing(open_services(ledgers)):
        pass
    [violation] = next_audit(ledgers, lost.ended("succeeded")).violations
    assert violation.run_id == lost.id


def test_other_runs_of_temporal_make_it_read_everything(
    services: Services, ledgers: Ledgers
) -> None:
    RunByHand(services).acts()
    assert next_audit(ledgers).clean
    assert continues(ledgers)
    tamper(ledgers["inventory"], "UPDATE audits SET progress = replace(progress, 'tests', 'moon')")
    assert not continues(ledgers)


def test_progress_that_cannot_be_read_counts_for_nothing(
    services: Services, ledgers: Ledgers
) -> None:
    RunByHand(services).acts()
    assert next_audit(ledgers).clean
    tamper(ledgers["shipping"], "UPDATE audits SET progress = 'what?'")
    assert not continues(ledgers)
    assert next_audit(ledgers) == audit(ledgers, {})
    assert continues(ledgers)


def test_after_an_audit_that_was_interrupted_everything_is_read(
    services: Services, ledgers: Ledgers
) -> None:
    RunByHand(services).acts()
    assert next_audit(ledgers).clean
    RunByHand(services).acts()
    with closing(begun(ledgers)) as interrupted:
        interrupted.read()
    assert not continues(ledgers)
    report = next_audit(ledgers)
    assert report == audit(ledgers, {})
    assert next_audit(ledgers) == report


def test_of_two_audits_at_once_one_leaves_its_marks(services: Services, ledgers: Ledgers) -> None:
    RunByHand(services).acts()
    assert next_audit(ledgers).clean
    RunByHand(services).acts()
    with closing(begun(ledgers)) as one, closing(begun(ledgers, full=True)) as other:
        one.read()
        other.read()
        assert one.finish() == other.finish() == audit(ledgers, {})
    assert next_audit(ledgers) == audit(ledgers, {})
    with closing(begun(ledgers)) as late:
        RunByHand(services).acts()
        next_audit(ledgers)
        with pytest.raises(AnotherAudit):
            late.read()


def test_what_two_audits_prove_at_once_is_counted_once(
    services: Services, ledgers: Ledgers
) -> None:
    RunByHand(services).acts()
    assert next_audit(ledgers).clean
    run = RunByHand(services).acts()
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
    RunByHand(services).acts()
    assert next_audit(ledgers) == audit(ledgers, {})


@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
def test_ledgers_that_cannot_be_written_are_audited_all_the_same(
    services: Services, ledgers: Ledgers
) -> None:
    tamper(
        ledgers["shipping"],
        "CREATE TRIGGER refuse BEFORE INSERT ON audits BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    run = RunByHand(services).acts("inventory")
    for _ in range(2):
        report = next_audit(ledgers, run.ended("rolled_back"))
        assert [violation.run_id for violation in report.violations] == [run.id]
        assert not continues(ledgers)


@pytest.mark.parametrize("proved_before", [True, False])
def test_an_effect_that_stands_twice_is_named_each_time(
    services: Services, ledgers: Ledgers, *, proved_before: bool
) -> None:
    facts = RunByHand(services, order_id="order_twice").acts().ended("succeeded")
    if proved_before:
        assert next_audit(ledgers, facts).clean
    for url in ledgers.values():
        tamper(url, "DROP INDEX fence_standing")
    again = RunByHand(services, order_id="order_twice").acts()
    for _ in range(3):
        violations = next_audit(ledgers, {**facts, **again.ended("succeeded")}).violations
        assert [v.service for v in violations if "stands 2 times" in v.problem] == list(SERVICES)
    again.undoes()
    for _ in range(2):
        assert next_audit(ledgers, again.ended("rolled_back")).clean
