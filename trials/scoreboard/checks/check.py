"""A check: one classic bug, the faults that bring it out, and the schedule that shows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from services.faults import Fault
from trials.scoreboard.contenders import Contender
from trials.scoreboard.trial import Trial

Schedule = Callable[[Trial], Awaitable[None]]


class Check(NamedTuple):
    """One row of the scoreboard."""

    #: The bug, as docs/classic-bugs.md calls it.
    bug: str
    #: Of which part of its orders, if not of all.
    faults: tuple[Fault, ...]
    #: Raises Caught when the contender has the bug.
    schedule: Schedule
    #: Whether there is such a bug only where one workflow leads.
    needs_a_leader: bool = False

    @property
    def slug(self) -> str:
        """Begins the ids of the check's orders."""
        return self.schedule.__name__

    def concerns(self, contender: Contender) -> bool:
        """Tell whether the contender could have the bug at all."""
        return not (self.needs_a_leader and contender.choreographed)

    def rules(self) -> list[Fault]:
        """Return the faults as rules of a plan, for this check's orders only."""
        return [
            rule.model_copy(update={"orders": (f"*.{self.slug}.{part}",)})
            for rule in self.faults
            for part in rule.orders
        ]


def check(bug: str, *faults: Fault, needs_a_leader: bool = False) -> Callable[[Schedule], Check]:
    """Make a schedule the check for a bug."""
    return lambda schedule: Check(bug, faults, schedule, needs_a_leader)
