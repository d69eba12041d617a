"""Audits that continue after each other, as those of the command line do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from sqlalchemy import create_engine, text

from messages.runs import SagaFact
from services.audit import Audit, AuditReport, GivenFacts, last_audit, open_books

Ledgers = Mapping[str, str]
#: The runs that these audits compare with the ledgers.
SCOPE = "the tests"


def next_audit(
    ledgers: Ledgers, facts: Mapping[str, SagaFact] | None = None, *, full: bool = False
) -> AuditReport:
    """Audit what no earlier audit has proved, or everything; mark what is proved."""
    with closing(begun(ledgers, facts, full=full)) as audit:
        audit.read()
        return audit.finish()


def begun(
    ledgers: Ledgers, facts: Mapping[str, SagaFact] | None = None, *, full: bool = False
) -> Audit:
    """Return an audit that has not read anything yet."""
    with open_books(ledgers) as books:
        since = None if full else last_audit(books, SCOPE)
    return Audit(ledgers, GivenFacts(facts or {}), since=since, scope=SCOPE)


def continues(ledgers: Ledgers) -> bool:
    """Tell whether the next audit need not read everything."""
    with open_books(ledgers) as books:
        return last_audit(books, SCOPE) is not None


def tamper(url: str, *statements: str) -> None:
    """Change a ledger past its service; each statement must change something."""
    engine = create_engine(url)
    with engine.begin() as tx:
        for statement in statements:
            assert tx.execute(text(statement)).rowcount != 0, statement
    engine.dispose()
