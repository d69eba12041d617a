"""Conditions that have to hold at the end of each scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from messages.participants import STEP_OF
from services.audit import AuditReport
from services.audit.books import Book, Operation, read_book
from services.audit.ledgers import check_ledger
from services.audit.sagas import runs
from services.decided import State

ALL = frozenset(STEP_OF.values())


class Ending(NamedTuple):
    """State at the end of a scenario."""

    report: AuditReport
    #: Each service's own ledger, by service.
    ledgers: Mapping[str, str]
    #: Service that used another ledger for some time, and the URL of that ledger.
    swapped: tuple[str, str] | None
    #: First run ids of the orders whose customers were last told that they succeeded.
    promised: frozenset[str]
    #: Problems found right after an order's run had closed.
    at_closing: tuple[str, ...]
    #: First run ids of the orders that nothing prevented from succeeding.
    calm: frozenset[str]


def problems(ending: Ending) -> list[str]:
    """Return every condition that is violated."""
    books = [read_book(service, url) for service, url in ending.ledgers.items()]
    found = list(ending.at_closing)
    found += [str(each) for each in ending.report.violations]
    if ending.report.in_flight:
        found.append(f"{ending.report.in_flight} orders are called under way")
    found += _of_runs(runs(books), ending)
    if ending.swapped is not None:
        service, url = ending.swapped
        # The reconciler does not read it any more, but it must be consistent in itself.
        found += [f"the other ledger: {each}" for each in check_ledger(read_book(service, url))]
    return found


def missing_step(ending: Ending) -> frozenset[str]:
    """Return the step whose effect may be in the ledger that was swapped out again."""
    return frozenset({STEP_OF[ending.swapped[0]]} if ending.swapped else ())


def _stands_in_the_other(run_id: str, ending: Ending) -> bool:
    if ending.swapped is None:
        return False
    book: Book = read_book(*ending.swapped)
    return any(o.run_id == run_id and o.state == State.APPLIED for o in book.operations)


def _of_runs(by_run: Mapping[str, list[Operation]], ending: Ending) -> Iterator[str]:
    for run_id in {*by_run, *ending.promised, *ending.calm}:
        operations = by_run.get(run_id, [])
        applied = {o.step for o in operations if o.state == State.APPLIED}
        by_hand = {o.step for o in operations if o.decided_by_hand}
        elsewhere = missing_step(ending) if _stands_in_the_other(run_id, ending) else frozenset()
        due = ALL - elsewhere
        if applied - by_hand and applied not in (ALL, due):
            yield f"of run {run_id} stands {sorted(applied)}, by hand {sorted(by_hand)}"
        if run_id in ending.promised and not applied >= due:
            yield f"run {run_id} succeeded, and only {sorted(applied)} stands"
        if run_id in ending.calm and run_id not in ending.promised:
            yield f"run {run_id} did not succeed, and nothing was in its way"


def standing(ledgers: Mapping[str, str], run_id: str) -> frozenset[str]:
    """Return the steps of a run whose effects stand now."""
    books = [read_book(service, url) for service, url in ledgers.items()]
    operations = runs(books).get(run_id, [])
    return frozenset(o.step for o in operations if o.state == State.APPLIED)
