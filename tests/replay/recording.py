"""Scenarios, each of which is one kind of run, and the shop in which they are recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from cli.modes import Mode
from services.faults import Fault
from tests.harness.builders import an_order
from tests.harness.gates import Gate
from tests.harness.runs import Run
from tests.harness.shop import Handle, Shop


class Recording(NamedTuple):
    """One scenario on its way, with an order that bears its name."""

    name: str
    mode: Mode
    shop: Shop

    def hold(self, activity: str) -> Gate:
        """Hold an activity of the order, or a reaction to its events, from now on."""
        return self.shop.hold(an_order(self.name), activity, self.mode)

    async def place(self, **changes: object) -> Handle:
        """Place the scenario's order. Time passes as on a clock, as in production."""
        return await self.shop.place(an_order(self.name, **changes), self.mode)

    async def place_too_late(self, gate: Gate) -> Handle:
        """Place an order whose deadline passes while the gate holds it, and see it to its end."""
        # On a busy machine it may not come to the gate before a short one.
        for seconds in (2, 10, 50):
            late = await self.place(deadline_seconds=seconds)
            await self.shop.outcome(late)
            if gate.reached.is_set():
                break
        return late


#: Returns the run whose history is kept.
Play = Callable[[Recording], Awaitable[Run]]


class Scenario(NamedTuple):
    """One kind of run."""

    name: str
    #: Its workflow type.
    workflow: str
    #: How the run is closed in Temporal's words; RUNNING when it is still open.
    ends: str
    faults: tuple[Fault, ...]
    play: Play
    #: False when the scenario starts its workers itself.
    worker: bool = True
    #: False when its events may come in another order each time, as what several others tell.
    orderly: bool = True
    #: True when it looks at every order there is, and so needs ledgers of its own.
    alone: bool = False

    @property
    def mode(self) -> Mode:
        """Return how its order is placed."""
        events = self.workflow in ("OrderChoreography", "EventDelivery")
        return Mode.CHOREOGRAPHY if events else Mode.ORCHESTRATION
