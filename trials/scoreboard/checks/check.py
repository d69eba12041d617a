"""Check: one classic bug, the faults that cause it, and the schedule that reveals it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from services.faults import Fault
from trials.scoreboard.contenders import Contender
from trials.scoreboard.trial import Trial

Schedule = Callable[[Trial], Awaitable[None]]


class Check(NamedTuple):
    """Check for one bug: a row of the scoreboard."""

    #: Name of the bug in docs/classic-bugs.md.
    bug: str
    #: Of which part of its orders, if not of all.
    faults: tuple[Fault, ...]
    #: Coroutine that raises Caught if the contender has the bug.
    schedule: Schedule
    #: Whether only an orchestrated saga can have the bug.
    needs_a_leader: bool = False

    @property
    def slug(self) -> str:
        """Prefix of the ids of the check's orders."""
        return self.schedule.__name__

    def concerns(self, contender: Contender) -> bool:
        """Tell whether this contender can have the bug."""
        return not (self.needs_a_leader and contender.choreographed)

    def rules(self) -> list[Fault]:
        """Return the faults as rules of a plan, for this check's orders only."""
        return [
            rule.model_copy(update={"orders": (f"*.{self.slug}.{part}",)})
            for rule in self.faults
            for part in rule.orders
        ]


def check(bug: str, *faults: Fault, needs_a_leader: bool = False) -> Callable[[Schedule], Check]:
    """Turn a schedule into the check for a bug."""
    return lambda schedule: Check(bug, faults, schedule, needs_a_leader)
