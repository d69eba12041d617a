"""A scenario: some orders, the trouble that their services have, and who interferes when."""

from __future__ import annotations

from typing import Literal, NamedTuple

from cli.modes import Mode
from cli.simulation.population import Population
from services.faults import Fault, FaultPlan

#: Longer than the time of one attempt, so that the effect lands when nobody waits for it.
TOO_LONG = 0.9
#: Seconds; what never comes is given up after that.
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
#: An instant of its own, when the order's run has closed.
THE_END = "the end"


class PlannedFault(NamedTuple):
    """Fault of one operation of one order."""

    operation: str
    kind: Literal["refusal", "transient", "lost_reply", "delay", "permanent"]
    #: How many of its calls; None: every one.
    times: int | None
    after: bool

    def rule(self, order_id: str) -> Fault:
        """Return the same as a rule of a fault plan."""
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
    """Somebody interferes while an operation is being called for the order, or at its end."""

    what: Interference
    operation: str
    #: Before the service is asked, or when it has done its work and has not answered yet.
    after: bool
    #: Which workflow task to reset to, or which unreadable message is sent.
    nth: int = 1
    #: Whether a reset leaves out the signals, updates and cancels that came after it.
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
    """One attempt of an operation is taken by a worker of another version."""

    operation: str
    #: Whether it answers with one more field, or with what nobody understands.
    readable: bool


class Swap(NamedTuple):
    """One service goes on with another ledger, until every order has closed."""

    service: str
    #: A copy from when the service had done its first work, or an empty one.
    restored: bool
    #: When any order gets there.
    operation: str
    after: bool

    def __str__(self) -> str:
        other = "a copy from after its first work" if self.restored else "an empty ledger"
        side = "after" if self.after else "before"
        at = "when all have closed" if self.operation == THE_END else f"{side} {self.operation}"
        return f"{self.service} goes on with {other} {at}; at the end with its own again"


class Story(NamedTuple):
    """Events in the life of one order."""

    faults: tuple[PlannedFault, ...]
    interruptions: tuple[Interruption, ...]
    versions: tuple[OtherVersion, ...]
    #: Whether it is given little time.
    hurried: bool

    @property
    def calm(self) -> bool:
        """Tell whether nothing happens to it that could keep it from succeeding."""
        harmless = all(each.what in ("unreadable", "reconcile") for each in self.interruptions)
        readable = all(version.readable for version in self.versions)
        return not self.faults and not self.hurried and harmless and readable

    @property
    def hopeless(self) -> bool:
        """Tell whether it waits for ever for what never gets better."""
        return any(planned.times is None for planned in self.faults)


class Scenario(NamedTuple):
    """Orders that share stock and credit."""

    mode: Mode
    seed: int
    scarce: bool
    stories: tuple[Story, ...]
    swap: Swap | None = None

    @property
    def population(self) -> Population:
        """The orders, as ``starter.py simulate`` makes them."""
        return Population(
            count=len(self.stories), seed=self.seed, prefix="fuzz", scarce=self.scarce
        )

    @property
    def plan(self) -> FaultPlan:
        """The trouble, as the services are told of it."""
        rules = [
            planned.rule(f"fuzz-{number}")
            for number, story in enumerate(self.stories, start=1)
            for planned in story.faults
        ]
        return FaultPlan(fault=tuple(rules))

    def as_toml(self) -> str:
        """Return the fault plan as a file, with how to play it."""
        command = f"simulate --orders {len(self.stories)} --seed {self.seed} --prefix fuzz"
        command += " --scarce" if self.scarce else ""
        command += f" --mode {self.mode.value} --deadline {DEADLINE}"
        lines = [
            "# On fresh ledgers: ORDER_SAGA_FAULTS=<this file> python worker.py, and then",
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
