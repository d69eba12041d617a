"""Audit of the ledgers: proves that every order happened completely or not at all.

While orders are running, the ledgers and Temporal cannot be read at the same instant. To get a
correct result, a run is judged in this order:

1. ask Temporal about the run;
2. read its operations in the ledgers, and compare them with the answer.

If the run was closed in step 1, its last entry was written before step 2, so it can be judged. If
it was open, it is not judged. In the opposite order (first the ledgers, then Temporal) a saga that
ends in between would look like a violation.

Temporal's list of all runs is cheap, but not exact, and has no run that began after it was made. So
:class:`Audit` postpones the runs for which the list is not enough, has Temporal asked about each
of them, and only then reads them again.

What an audit has proved, the next one does not read again: see :mod:`services.audited`.
"""

from __future__ import annotations

from collections.abc import Mapping

from messages.ledgers import Home
from messages.runs import RunRef, SagaFact
from services.audit.auditing import Audit, Since, last_audit, without_trace
from services.audit.books import open_books
from services.audit.facts import Facts, GivenFacts
from services.audit.report import AuditReport, ServiceTotals, Violation
from services.audited import AnotherAudit

__all__ = [
    "AnotherAudit",
    "Audit",
    "AuditReport",
    "Facts",
    "GivenFacts",
    "RunRef",
    "SagaFact",
    "ServiceTotals",
    "Since",
    "Violation",
    "audit",
    "last_audit",
    "open_books",
    "without_trace",
]


def audit(
    ledgers: Mapping[str, str],
    facts: Mapping[str, SagaFact] | None = None,
    *,
    retention_seconds: float = 0.0,
    home: Home | None = None,
) -> AuditReport:
    """Read all of the ledgers, change nothing, and report every violation.

    Args:
        ledgers: the URLs of the ledgers, by service.
        facts: the answers of Temporal, by first run id. Without them, a run that has only some
            of its effects is a violation, even if it may still be running.
        retention_seconds: the time for which Temporal keeps a closed run.
        home: the Temporal namespace that gave the facts.

    Raises:
        LedgerUnavailable: a ledger does not exist, cannot be read, or has another home.
    """
    all_of_it = Audit(ledgers, GivenFacts(facts), home=home, retention_seconds=retention_seconds)
    all_of_it.read()
    return all_of_it.finish()
