"""Tally of an audit: counts the runs by verdict, collects violations, and marks what is proved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from messages.runs import RunRef, SagaFact
from services.audit.books import Book, Entry, Operation
from services.audit.facts import Facts
from services.audit.ledgers import check_operation
from services.audit.marks import Marked, Marks
from services.audit.report import Violation
from services.audit.sagas import (
    AuditVerdict,
    Evidence,
    decided_by_hand,
    disagreements,
    left_behind,
    proved_by_the_ledgers,
    verdict,
)
from services.audited import DOUBTED, PROVED


class _Run(NamedTuple):
    """Run with all that is known about it."""

    ref: RunRef
    operations: Sequence[Operation]
    fact: SagaFact | None
    verdict: AuditVerdict
    #: Reason, if it is a violation.
    problem: str


#: Entries of the journal, by service and key of the operation.
_Entries = Mapping[tuple[str, str], Sequence[Entry]]


class Tally:
    """Tally of the runs that were judged, on top of those that earlier audits have proved."""

    def __init__(
        self, facts: Facts, retention_seconds: float, proved: Mapping[str, int] | None
    ) -> None:
        """Begin with the proved runs, by verdict, of earlier audits; None to count all anew."""
        self.marks: Marks | None = None
        self.violations: list[Violation] = []
        self.resolved_manually = 0
        #: Number of proved runs, by verdict.
        self.proved = Counter(proved or {})
        #: Number of all runs, by verdict.
        self.verdicts: Counter[str] = Counter(self.proved)
        #: Runs that have an effect which another run of the same order has as well.
        self.twice: set[str] = set()
        self._partly = proved is not None
        self._facts = facts
        self._retention = retention_seconds

    def judge(self, books: Sequence[Book], run_ids: Sequence[str], *, final: bool) -> list[RunRef]:
        """Judge these runs; return those about which Temporal must be asked before.

        Args:
            books: the ledgers.
            run_ids: the runs.
            final: True if Temporal has been asked about them, so that all are judged.
        """
        found, entries = self._read(books, run_ids)
        unreadable = {run.run_id for run in self._facts.unreadable}
        postponed: list[RunRef] = []
        marked: dict[str, list[Marked]] = {book.service: [] for book in books}
        for run in found:
            if not final and self._must_be_asked_about(run):
                postponed.append(run.ref)
                continue
            right = self._check(run, entries)
            doubted = not right or run.ref.run_id in unreadable or run.ref.run_id in self.twice
            proved = not doubted and proved_by_the_ledgers(run.verdict, run.operations, run.fact)
            self._count(run, proved=proved)
            for each in run.operations:
                mark = each.state if proved else DOUBTED if doubted else ""
                marked[each.service].append(
                    Marked(each, mark, entries.get((each.service, each.key), ()))
                )
        if self.marks is not None:
            for service, operations in marked.items():
                self.marks.set(service, operations)
        return postponed

    def _read(self, books: Sequence[Book], run_ids: Sequence[str]) -> tuple[list[_Run], _Entries]:
        by_run: dict[str, list[Operation]] = {run_id: [] for run_id in run_ids}
        entries: dict[tuple[str, str], list[Entry]] = {}
        for book in books:
            operations = list(book.operations(run_ids))
            for each in operations:
                by_run[each.run_id].append(each)
            for key, posted in book.entries([each.key for each in operations]).items():
                entries[book.service, key] = posted
        facts = self._facts.of(run_ids)
        evidence = Evidence(
            self._facts.asked,
            self._retention,
            {book.service: book.identity for book in books},
            {book.service: book.clock for book in books},
        )
        runs = []
        for run_id, operations in by_run.items():
            fact = facts.get(run_id)
            if operations or fact is not None:
                saga_id = operations[0].saga_id if operations else facts[run_id].saga_id
                judged = verdict(operations, fact, evidence)
                runs.append(_Run(RunRef(saga_id, run_id), operations, fact, *judged))
        return runs, entries

    def _must_be_asked_about(self, run: _Run) -> bool:
        if not self._facts.asked or self._facts.exact(run.ref):
            return False
        if run.verdict == "violated":
            return True
        if run.fact is not None:
            return False
        # Temporal's list has the runs that closed since the last audit. What was proved before,
        # doubted before or decided on may have closed at any time.
        seen = any(each.audited or each.decided_by_hand for each in run.operations)
        return run.verdict == "in_flight" or (self._partly and seen)

    def _check(self, run: _Run, entries: _Entries) -> bool:
        """Collect the violations of a run; return True if there are none."""
        found = []
        if run.verdict == "violated":
            behind = left_behind(run.fact)
            found.append(Violation(**_named(run), problem=run.problem, left_behind=behind))
            if not run.operations:
                self._facts.list_again(run.ref.run_id)
        for each in run.operations:
            found += check_operation(each, entries.get((each.service, each.key), ()))
        for problem in disagreements(run.operations):
            found.append(Violation(**_named(run), problem=problem))
        self.violations += found
        return not found

    def _count(self, run: _Run, *, proved: bool) -> None:
        self.verdicts[run.verdict] += 1
        self.resolved_manually += decided_by_hand(run.operations, run.fact)
        earlier = {each.audited for each in run.operations}.intersection(PROVED)
        if earlier and self._partly:
            was = "succeeded" if "applied" in earlier else "rolled_back"
            self.verdicts[was] -= 1
            self.proved[was] -= 1
        if proved and run.operations:
            self.proved[run.verdict] += 1
        elif proved:
            self._facts.left_nothing(run.ref.run_id)


def _named(run: _Run) -> dict[str, str]:
    return run.ref._asdict()
