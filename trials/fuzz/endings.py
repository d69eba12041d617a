"""Conditions that have to hold at the end of each scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import select

from messages.participants import STEP_OF
from services.audit import AuditReport
from services.audit.ledgers import check_ledger
from services.decided import State
from services.fence import fence
from services.ledger import reading

ALL = frozenset(STEP_OF.values())


class _Operation(NamedTuple):
    step: str
    state: str
    by_hand: bool


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
    found = list(ending.at_closing)
    found += [str(each) for each in ending.report.violations]
    if ending.report.in_flight:
        found.append(f"{ending.report.in_flight} orders are called under way")
    found += _of_runs(_by_run(ending.ledgers), ending)
    if ending.swapped is not None:
        service, url = ending.swapped
        # The reconciler does not read it any more, but it must be consistent in itself.
        found += [f"the other ledger: {each}" for each in check_ledger(service, url)]
    return found


def missing_step(ending: Ending) -> frozenset[str]:
    """Return the step whose effect may be in the ledger that was swapped out again."""
    return frozenset({STEP_OF[ending.swapped[0]]} if ending.swapped else ())


def _stands_in_the_other(run_id: str, ending: Ending) -> bool:
    if ending.swapped is None:
        return False
    operations = _by_run(dict([ending.swapped])).get(run_id, [])
    return any(o.state == State.APPLIED for o in operations)


def _of_runs(by_run: Mapping[str, list[_Operation]], ending: Ending) -> Iterator[str]:
    for run_id in {*by_run, *ending.promised, *ending.calm}:
        operations = by_run.get(run_id, [])
        applied = {o.step for o in operations if o.state == State.APPLIED}
        by_hand = {o.step for o in operations if o.by_hand}
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
    operations = _by_run(ledgers).get(run_id, [])
    return frozenset(o.step for o in operations if o.state == State.APPLIED)


def _by_run(ledgers: Mapping[str, str]) -> dict[str, list[_Operation]]:
    found: dict[str, list[_Operation]] = {}
    f = fence.c
    for service, url in ledgers.items():
        with reading(service, url) as tx:
            for row in tx.execute(select(f.run_id, f.step, f.state, f.settlement)):
                one = _Operation(row.step, row.state, row.settlement is not None)
                found.setdefault(row.run_id, []).append(one)
    return found
