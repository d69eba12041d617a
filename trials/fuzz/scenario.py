"""Scenario: some orders, the faults of their services, and interruptions."""

from __future__ import annotations

from typing import Literal, NamedTuple

from cli.modes import Mode
from cli.simulation.population import Population
from services.faults import Fault, FaultPlan

#: Longer than the limit of one attempt, so that the effect happens after the attempt timed out.
TOO_LONG = 0.9
#: Deadline of a hopeless order in seconds.
DEADLINE = 4

Interference = Literal[
    "update",
    "native",
    "terminate",
    "delete",
    "delete_first",
    "reset",
    "unreadable",
    "reconcile",
    "again",
]
#: Point in time after the order's run has closed, instead of an operation.
THE_END = "the end"


class PlannedFault(NamedTuple):
    """Fault of one operation of one order."""

    operation: str
    kind: Literal["refusal", "transient", "lost_reply", "delay", "permanent"]
    #: Number of calls that fail; None for all.
    times: int | None
    after: bool

    def rule(self, order_id: str) -> Fault:
        """Return this fault as a rule of a fault plan."""
        either_side = self.kind in ("transient", "delay", "permanent")
        return Fault.model_validate(
            {
                "operations": [self.operation],
                "kind": self.kind,
                "when": ("after" if self.after else "before") if either_side else None,
                "seconds": TOO_LONG if self.kind == "delay" else None,
                "count": self.times,
                "rate": None if self.times else 1.0,
                "orders": [order_id],
            }
        )


class Interruption(NamedTuple):
    """Interruption of an order during a call of an operation, or after its run has closed."""

    what: Interference
    operation: str
    #: Before the service is called, or after its effect and before its reply.
    after: bool
    #: Number of the workflow task to reset to, or of the unreadable message to send.
    nth: int = 1
    #: Whether a reset drops the signals, updates and cancels after the reset point.
    forgets: bool = False

    def __str__(self) -> str:
        how = ""
        if self.what == "reset":
            how = f" to task {self.nth}" + (", without what it was sent" if self.forgets else "")
        if self.what == "unreadable":
            how = f" message {self.nth}"
        if self.operation == THE_END:
            return f"{self.what}{how} when it has closed"
        side = "after" if self.after else "before"
        return f"{self.what}{how} {side} the effect of {self.operation}"


class OtherVersion(NamedTuple):
    """Attempt of an operation that a worker of another version takes."""

    operation: str
    #: Whether its reply can be read. A readable one has one field more than the known version.
    readable: bool


class Swap(NamedTuple):
    """Swap of a service's ledger for another one, until every order has closed."""

    service: str
    #: Copy of the ledger after its first operation, or an empty ledger.
    restored: bool
    #: Operation at which the swap happens, for whichever order comes first.
    operation: str
    after: bool

    def __str__(self) -> str:
        other = "a copy from after its first work" if self.restored else "an empty ledger"
        side = "after" if self.after else "before"
        at = "when all have closed" if self.operation == THE_END else f"{side} {self.operation}"
        return f"{self.service} goes on with {other} {at}; at the end with its own again"


class Story(NamedTuple):
    """Everything that happens to one order."""

    faults: tuple[PlannedFault, ...]
    interruptions: tuple[Interruption, ...]
    versions: tuple[OtherVersion, ...]
    #: Whether its deadline is short.
    hurried: bool

    @property
    def calm(self) -> bool:
        """Tell whether nothing prevents the order from succeeding."""
        harmless = all(each.what in ("unreadable", "reconcile") for each in self.interruptions)
        readable = all(version.readable for version in self.versions)
        return not self.faults and not self.hurried and harmless and readable

    @property
    def hopeless(self) -> bool:
        """Tell whether it waits for ever for what never gets better."""
        return any(planned.times is None for planned in self.faults)


class Scenario(NamedTuple):
    """Orders that share stock and credit, and what happens to them."""

    mode: Mode
    seed: int
    scarce: bool
    stories: tuple[Story, ...]
    swap: Swap | None = None
    #: Whether the worker takes the fast path, which only an orchestrated saga has.
    fast_path: bool = False

    @property
    def population(self) -> Population:
        """Population of the same orders as ``starter.py simulate`` places."""
        return Population(
            count=len(self.stories), seed=self.seed, prefix="fuzz", scarce=self.scarce
        )

    @property
    def plan(self) -> FaultPlan:
        """Fault plan of the services."""
        rules = [
            planned.rule(f"fuzz-{number}")
            for number, story in enumerate(self.stories, start=1)
            for planned in story.faults
        ]
        return FaultPlan(fault=tuple(rules))

    def as_toml(self) -> str:
        """Return the fault plan as a TOML file, with the command that plays it."""
        command = f"simulate --orders {len(self.stories)} --seed {self.seed} --prefix fuzz"
        command += " --scarce" if self.scarce else ""
        command += f" --mode {self.mode.value} --deadline {DEADLINE}"
        lines = [
            "# On fresh ledgers: ORDER_SAGA_FAULTS=<this file>"
            + (" ORDER_SAGA_FAST_PATH=true" if self.fast_path else "")
            + " python worker.py, and then",
            f"# python starter.py {command}",
        ]
        for number, story in enumerate(self.stories, start=1):
            lines += [f"# order fuzz-{number}: {each}" for each in story.interruptions]
            for operation, readable in story.versions:
                what = "one more field" if readable else "what nobody understands"
                lines.append(f"# order fuzz-{number}: {operation} answers once with {what}")
        if self.swap is not None:
            lines.append(f"# {self.swap}")
        for rule in self.plan.fault:
            lines += ["", "[[fault]]"]
            for name, value in rule.model_dump(exclude_none=True, mode="json").items():
                lines.append(f"{name} = {value!r}".replace("'", '"'))
        return "\n".join(lines) + "\n"
