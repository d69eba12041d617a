"""Fates of the simulated orders: how each ended, and the summary of all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from messages.base import Message
from messages.sagas import SagaSucceeded
from runs.results import BrokenOff, Outcome

SUCCEEDED = "succeeded"
CANCELLED = "cancelled"
PARKED = "waiting for an operator"
BROKEN_OFF = "ended without a result"
_ROLLED_BACK = "rolled back at "


@dataclass(frozen=True)
class Fate:
    """Fate of one order: its outcome, or the fact that it waits for an operator."""

    workflow_id: str
    run_id: str
    #: None means that it waits for an operator.
    outcome: Outcome | None

    @property
    def kind(self) -> str:
        """Row of the summary in which the order is counted."""
        if self.outcome is None:
            return PARKED
        if isinstance(self.outcome, SagaSucceeded):
            return SUCCEEDED
        if isinstance(self.outcome, BrokenOff):
            return BROKEN_OFF
        if self.outcome.status == "CANCELLED":
            return CANCELLED
        return _ROLLED_BACK + (self.outcome.failed_step or "the deadline")


class Summary(Message):
    """Numbers of orders by how they ended."""

    orders: int
    succeeded: int
    #: Number of orders by the step that failed.
    rolled_back: dict[str, int]
    cancelled: int
    parked: int
    #: Number of orders whose run ended without a result.
    broken_off: int
    seconds: float
    orders_per_second: float


def summarize(fates: list[Fate], seconds: float) -> Summary:
    """Count the fates."""
    kinds = Counter(fate.kind for fate in fates)
    return Summary(
        orders=len(fates),
        succeeded=kinds[SUCCEEDED],
        rolled_back={
            kind.removeprefix(_ROLLED_BACK): number
            for kind, number in sorted(kinds.items())
            if kind.startswith(_ROLLED_BACK)
        },
        cancelled=kinds[CANCELLED],
        parked=kinds[PARKED],
        broken_off=kinds[BROKEN_OFF],
        seconds=round(seconds, 2),
        orders_per_second=round(len(fates) / seconds, 1) if seconds else 0.0,
    )
