"""Check: one classic bug, the faults that cause it, and the schedule that reveals it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from trials.scoreboard.contenders import Contender
from trials.scoreboard.trial import Trial

Schedule = Callable[[Trial], Awaitable[None]]
Fault = Mapping[str, object]


class Check(NamedTuple):
    """Check for one bug: a row of the scoreboard."""

    #: Name of the bug in docs/classic-bugs.md.
    bug: str
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
            {k: v for k, v in fault.items() if k != "part"}
            | {"orders": [f"*.{self.slug}.{fault.get('part', '*')}"]}
            for fault in self.faults
        ]


def check(bug: str, *faults: Fault, needs_a_leader: bool = False) -> Callable[[Schedule], Check]:
    """Turn a schedule into the check for a bug."""
    return lambda schedule: Check(bug, faults, schedule, needs_a_leader)


def refused(operation: str) -> Fault:
    """Have the service say no."""
    return {"operations": [operation], "kind": "refusal", "rate": 1.0}


def fails_for_good(
    operation: str, *, after: bool = False, calls: int | None = None, part: str = "*"
) -> Fault:
    """Have the service fail so often as no retry mends, before or after the effect."""
    often = {"rate": 1.0} if calls is None else {"count": calls}
    fault = {"operations": [operation], "kind": "permanent", "part": part, **often}
    return {**fault, "when": "after" if after else "before"}


def is_down(operation: str, *, calls: int | None = None) -> Fault:
    """Have the service not answer: so many times, or ever."""
    often = {"rate": 1.0} if calls is None else {"count": calls}
    return {"operations": [operation], "kind": "transient", **often}


def reply_lost(operation: str, *, calls: int | None = None, part: str = "*") -> Fault:
    """Have the service act and its reply be lost: so many times, or always."""
    often = {"rate": 1.0} if calls is None else {"count": calls}
    return {"operations": [operation], "kind": "lost_reply", "part": part, **often}
