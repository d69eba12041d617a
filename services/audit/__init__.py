"""Audit of the ledgers: proves that every order happened completely or not at all.

While orders are running, the ledgers and Temporal cannot be read at the same instant. To get a
correct result, call in this order:

1. :func:`unsettled_runs` returns the runs that have some of their effects, but not all;
2. ask Temporal about each of these runs (and about any others);
3. :func:`audit` reads the ledgers and compares them with the answers of Temporal.

If a run was closed in step 2, its last entry was written before step 3, so it can be judged. If
it was open, it is not judged. A run may have some of its effects in step 3 without being found in
step 1. Then it was running between the two steps, and is not judged either.

In the opposite order (first the ledgers, then Temporal) a saga that ends in between would look
like a violation.
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
    """Read all ledgers, and report every violation.

    Args:
        ledgers: the URLs of the ledgers, by service.
        facts: the answers of Temporal, by first run id. Without them, a run that has only some
            of its effects is a violation, even if it may still be running.
        retention_seconds: the time for which Temporal keeps a closed run.
        home: the Temporal namespace that gave the facts.

    Raises:
        LedgerUnavailable: a ledger does not exist, cannot be read, or has another home.
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
