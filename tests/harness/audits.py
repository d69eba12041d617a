"""Audits that continue after each other, as those of the command line do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from uuid import uuid4

from sqlalchemy import create_engine, text

from messages.runs import SagaFact
from services.audit import Audit, AuditReport, GivenFacts, last_audit, open_books
from services.mock import Services
from tests.harness.builders import OrderRequests, an_order, requests_for
from tests.harness.participants import operations
from tests.harness.steps import SERVICES

Ledgers = Mapping[str, str]
#: The runs that these audits compare with the ledgers.
SCOPE = "the tests"


class RunByHand:
    """Run of an order whose services are called by hand."""

    def __init__(self, services: Services, **order: object) -> None:
        self.id = str(uuid4())
        self._services = services
        self.requests: OrderRequests = requests_for(an_order(**order), self.id)  # type: ignore[arg-type]

    def acts(self, *names: str) -> RunByHand:
        for name in names or SERVICES:
            operations(self._services, name)[0](getattr(self.requests, name))
        return self

    def undoes(self, *names: str) -> RunByHand:
        for name in names or SERVICES:
            operations(self._services, name)[1](getattr(self.requests, name))
        return self

    def ended(self, status: str) -> dict[str, SagaFact]:
        return {self.id: SagaFact.model_validate({"saga_id": "any", "status": status})}


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
