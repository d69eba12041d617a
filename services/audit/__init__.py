"""The audit: proves from the ledgers that every order happened completely or not at all.

While orders are under way, the ledgers and Temporal cannot be read at the same instant. To
be told no falsehood, go in this order:

1. :func:`unsettled_runs` reads which runs are neither all there nor all gone;
2. ask Temporal about each of them (and about as many others as you like);
3. :func:`audit` reads the ledgers, with those facts.

A run that step 2 calls closed has written its last entry before step 3 reads, so it can be
judged; one that it calls open is not judged. A run that turns up half done in step 3 without
a fact was not there, or not half done, in step 1, so it was under way a moment ago: it is not
judged either. The other way round, facts after ledgers, a saga that ends in between would
look broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from messages.ledgers import Home
from messages.runs import RunRef, SagaFact
from services.audit.books import KEPT, Book, read_book, unsettled_runs
from services.audit.ledgers import check_ledger, totals
from services.audit.report import AuditReport, ServiceTotals, Violation
from services.audit.sagas import (
    Evidence,
    decided_by_hand,
    disagreements,
    left_behind,
    runs,
    twice,
    verdict,
)

__all__ = [
    "AuditReport",
    "RunRef",
    "SagaFact",
    "ServiceTotals",
    "Violation",
    "audit",
    "unsettled_runs",
]


def audit(
    ledgers: Mapping[str, str],
    facts: Mapping[str, SagaFact] | None = None,
    *,
    retention_seconds: float = 0.0,
    home: Home | None = None,
) -> AuditReport:
    """Read all ledgers, by service name and URL, and report every broken promise.

    Args:
        facts: by (first) run id, what Temporal knows. Without any, the ledgers alone must
            convince: a run that is half done is a violation even if it may be under way.
        retention_seconds: for how long Temporal remembers a closed run.
        home: the Temporal namespace that the facts are of.

    Raises:
        LedgerUnavailable: a ledger does not exist, cannot be read, or is not of ``home``.
    """
    books = [read_book(service, ledgers[service], home) for service in KEPT]
    violations = [problem for book in books for problem in check_ledger(book)]
    violations += twice(books)
    identities = {book.service: book.identity for book in books}
    return _judge(books, Evidence(facts, retention_seconds, identities), violations)


def _judge(books: list[Book], evidence: Evidence, violations: list[Violation]) -> AuditReport:
    known = evidence.facts or {}
    by_run = runs(books)
    verdicts: Counter[str] = Counter()
    resolved = 0
    for run_id in dict.fromkeys([*by_run, *known]):
        operations, fact = by_run.get(run_id, []), known.get(run_id)
        found, problem = verdict(operations, fact, evidence)
        verdicts[found] += 1
        saga_id = operations[0].saga_id if operations else known[run_id].saga_id
        if found == "violated":
            violations.append(
                Violation(
                    saga_id=saga_id, run_id=run_id, problem=problem, left_behind=left_behind(fact)
                )
            )
        resolved += decided_by_hand(operations, fact)
        violations += [
            Violation(saga_id=saga_id, run_id=run_id, problem=problem)
            for problem in disagreements(operations)
        ]
    return AuditReport(
        sagas=sum(verdicts.values()),
        succeeded=verdicts["succeeded"],
        rolled_back=verdicts["rolled_back"],
        in_flight=verdicts["in_flight"],
        resolved_manually=resolved,
        services=tuple(totals(book) for book in books),
        violations=tuple(violations),
    )
