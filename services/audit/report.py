"""Findings of the audit."""

from __future__ import annotations

from decimal import Decimal

from pydantic import computed_field

from messages.base import Message


class Violation(Message):
    """One broken promise."""

    problem: str
    saga_id: str | None = None
    run_id: str | None = None
    service: str | None = None
    #: Left behind by a run that cannot undo it itself; reconciling does, or asks an operator.
    left_behind: bool = False

    def __str__(self) -> str:
        where = [self.saga_id, self.run_id and f"run {self.run_id}", self.service]
        return f"{', '.join(filter(None, where))}: {self.problem}"


class ServiceTotals(Message):
    """One service's books, added up."""

    service: str
    #: What the amounts are counted in.
    unit: str
    #: Operations that the service knows; each is standing, refused, reversed or settled.
    operations: int = 0
    standing: int = 0
    refused: int = 0
    reversed: int = 0
    #: Undone by hand; what they had moved stays in the books, and so in the amounts below.
    settled: int = 0
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
    #: Steps that operators recorded as undone by hand, and effects that they decided to keep.
    resolved_manually: int
    services: tuple[ServiceTotals, ...]
    violations: tuple[Violation, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def clean(self) -> bool:
        """True when nothing is violated."""
        return not self.violations
