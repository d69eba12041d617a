"""What the audit is told, and what it finds."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import computed_field

from messages.base import Message


class SagaFact(Message):
    """What Temporal knows about one run of a saga."""

    saga_id: str
    #: ``terminated``: closed without having been able to compensate (terminated, timed out).
    #: ``gone``: Temporal does not know the run, or no more; the ledgers alone must convince.
    status: Literal["open", "succeeded", "rolled_back", "terminated", "gone"]
    #: Steps of a rolled-back saga whose effects an operator took over; they may stand.
    resolved_manually: tuple[str, ...] = ()


class Violation(Message):
    """One broken promise."""

    problem: str
    saga_id: str | None = None
    run_id: str | None = None
    service: str | None = None

    def __str__(self) -> str:
        where = [self.saga_id, self.run_id and f"run {self.run_id}", self.service]
        return f"{', '.join(filter(None, where))}: {self.problem}"


class ServiceTotals(Message):
    """One service's books, added up."""

    service: str
    #: What the amounts are counted in.
    unit: str
    #: Operations that ever reached the service; each is standing, refused or reversed.
    operations: int = 0
    standing: int = 0
    refused: int = 0
    reversed: int = 0
    #: Sum of everything ever applied.
    amount_applied: Decimal = Decimal(0)
    #: Sum of what was reversed.
    amount_reversed: Decimal = Decimal(0)
    #: Sum of what stands.
    amount_standing: Decimal = Decimal(0)


class AuditReport(Message):
    """The state of the books, and whether every promise holds."""

    #: Runs of sagas, of which some succeeded, some were rolled back, some are under way and,
    #: when there are violations, some are neither.
    sagas: int
    succeeded: int
    rolled_back: int
    in_flight: int
    #: Effects that stand because an operator took them over.
    resolved_manually: int
    services: tuple[ServiceTotals, ...]
    violations: tuple[Violation, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def clean(self) -> bool:
        """True when nothing is violated."""
        return not self.violations
