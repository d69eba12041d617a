"""A scenario: some orders, the trouble that their services have, and who interferes when."""

from __future__ import annotations

from typing import Literal, NamedTuple

from hypothesis import strategies as st

from cli.modes import Mode
from cli.simulation.population import Population
from services.faults import Fault, FaultPlan
from tests.conformance.faults import STEPS, UNDOS

#: Longer than the time of one attempt, so that the effect lands when nobody waits for it.
TOO_LONG = 0.9
#: Seconds; what never comes is given up after that.
DEADLINE = 4

Interference = Literal["update", "native", "terminate"]


class Trouble(NamedTuple):
    """What one operation of one order suffers."""

    operation: str
    kind: Literal["refusal", "transient", "lost_reply", "delay", "permanent"]
    #: How many of its calls; None: every one.
    times: int | None
    after: bool

    def rule(self, order_id: str) -> Fault:
        """The same as a rule of a fault plan."""
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
    """Somebody interferes while an operation is being called for the order."""

    what: Interference
    operation: str
    #: Before the service is asked, or when it has done its work and has not answered yet.
    after: bool


class Story(NamedTuple):
    """What happens to one order."""

    troubles: tuple[Trouble, ...]
    interruption: Interruption | None
    #: Whether it is given little time.
    hurried: bool


class Scenario(NamedTuple):
    """Orders that share stock and credit."""

    mode: Mode
    seed: int
    scarce: bool
    stories: tuple[Story, ...]

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
            trouble.rule(f"fuzz-{number}")
            for number, story in enumerate(self.stories, start=1)
            for trouble in story.troubles
        ]
        return FaultPlan(fault=tuple(rules))

    def as_toml(self) -> str:
        """The fault plan as a file, with how to play it."""
        command = f"simulate --orders {len(self.stories)} --seed {self.seed} --prefix fuzz"
        command += " --scarce" if self.scarce else ""
        command += f" --mode {self.mode.value} --deadline {DEADLINE}"
        lines = [
            "# On fresh ledgers: ORDER_SAGA_FAULTS=<this file> python worker.py, and then",
            f"# python starter.py {command}",
        ]
        for number, story in enumerate(self.stories, start=1):
            if story.interruption is not None:
                what, operation, after = story.interruption
                side = "after" if after else "before"
                lines.append(f"# order fuzz-{number}: {what} {side} the effect of {operation}")
        for rule in self.plan.fault:
            lines += ["", "[[fault]]"]
            for name, value in rule.model_dump(exclude_none=True, mode="json").items():
                lines.append(f"{name} = {value!r}".replace("'", '"'))
        return "\n".join(lines) + "\n"


def _troubles() -> st.SearchStrategy[Trouble]:
    forward = st.builds(
        Trouble,
        operation=st.sampled_from(STEPS),
        kind=st.sampled_from(["refusal", "transient", "lost_reply", "delay", "permanent"]),
        times=st.one_of(st.integers(1, 3), st.none()),
        after=st.booleans(),
    )
    # A compensation that never works is parked for ever; one that works at last is enough.
    backward = st.builds(
        Trouble,
        operation=st.sampled_from(UNDOS),
        kind=st.sampled_from(["transient", "lost_reply", "delay", "permanent"]),
        times=st.integers(1, 3),
        after=st.booleans(),
    )
    return st.one_of(forward, backward)


_INTERRUPTIONS = st.builds(
    Interruption,
    what=st.sampled_from(["update", "native", "terminate"]),
    operation=st.sampled_from([*STEPS, *UNDOS]),
    after=st.booleans(),
)

_STORIES = st.builds(
    Story,
    troubles=st.lists(
        _troubles(), max_size=3, unique_by=lambda trouble: (trouble.operation, trouble.kind)
    ).map(tuple),
    interruption=st.one_of(st.none(), _INTERRUPTIONS),
    hurried=st.booleans(),
)


def scenarios(mode: Mode) -> st.SearchStrategy[Scenario]:
    """Everything that can happen to up to four orders."""
    return st.builds(
        Scenario,
        mode=st.just(mode),
        seed=st.integers(0, 1000),
        scarce=st.booleans(),
        stories=st.lists(_STORIES, min_size=1, max_size=4).map(tuple),
    )
