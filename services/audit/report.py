"""Report of the audit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pydantic import computed_field

from messages.base import Message


class Violation(Message):
    """Violation of a promise."""

    problem: str
    saga_id: str | None = None
    run_id: str | None = None
    service: str | None = None
    #: True for a leftover: ``reconcile`` undoes it, or asks an operator.
    left_behind: bool = False

    def __str__(self) -> str:
        where = [self.saga_id, self.run_id and f"run {self.run_id}", self.service]
        return f"{', '.join(filter(None, where))}: {self.problem}"


class Amounts(Message):
    """Amounts in one currency."""

    #: Sum of all effects.
    applied: Decimal
    #: Sum of all reversals.
    reversed: Decimal
    #: Difference of the two.
    standing: Decimal


class ServiceTotals(Message):
    """Totals of one service's ledger."""

    service: str
    #: Unit of the amounts.
    unit: str
    #: Number of operations; each is standing, refused, reversed or settled.
    operations: int = 0
    standing: int = 0
    refused: int = 0
    reversed: int = 0
    #: Number of operations that were undone by hand. The ledger still contains what they moved,
    #: so the amounts below include it.
    settled: int = 0
    #: Sum of all effects, except those in a currency.
    amount_applied: Decimal = Decimal(0)
    #: Sum of all reversals.
    amount_reversed: Decimal = Decimal(0)
    #: Difference of the two.
    amount_standing: Decimal = Decimal(0)
    #: Amounts in other currencies than the shop's own, by code.
    currencies: Mapping[str, Amounts] = {}


class AuditReport(Message):
    """Result of an audit: totals and violations."""

    #: Number of runs of sagas. A run that is a violation is not counted in the next three.
    sagas: int
    succeeded: int
    rolled_back: int
    in_flight: int
    #: Number of steps that operators recorded as undone by hand, or decided to keep.
    resolved_manually: int
    services: tuple[ServiceTotals, ...]
    violations: tuple[Violation, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def clean(self) -> bool:
        """Tell whether there are no violations."""
        return not self.violations
