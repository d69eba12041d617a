"""Fault plan of the mock services: a TOML file, described in ``docs/faults.md``."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictInt, ValidationError, model_validator
from typing_extensions import Self

from messages.base import Message, one_of
from messages.participants import COMPENSATIONS, STEPS
from messages.validation import explain

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

Operation = Annotated[str, one_of((*STEPS, *COMPENSATIONS))]
Kind = Literal["refusal", "transient", "lost_reply", "delay", "permanent"]
When = Literal["before", "after"]


def _number(value: object) -> object:
    if isinstance(value, (bool, str)):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic reports ValueErrors
    return value


_Float = Annotated[float, BeforeValidator(_number)]


class BadFaultPlan(Exception):
    """The fault plan cannot be used; the message is one line that names the file and the rule."""


class Fault(Message):
    """Rule of a fault plan: the kind of a fault, the calls that it hits, and how often."""

    operations: Annotated[tuple[Operation, ...], Field(min_length=1)]
    kind: Kind
    #: Probability that a matching call is hit.
    rate: Annotated[_Float, Field(ge=0, le=1)] | None = None
    #: Number of matching calls of each order that are hit, from the first one on.
    count: Annotated[StrictInt, Field(ge=1)] | None = None
    #: Side of the effect on which the fault happens; None means the usual side of the kind.
    when: When | None = None
    #: Duration of a delay.
    seconds: Annotated[_Float, Field(gt=0, le=3600)] | None = None
    #: Shell patterns of order ids; the default matches every order.
    orders: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.rate is None) == (self.count is None):
            raise ValueError("give either rate or count")
        if (self.kind == "delay") != (self.seconds is not None):
            raise ValueError("a delay needs seconds, and no other kind may have them")
        if self.kind == "refusal" and self.when == "after":
            raise ValueError("a refusal cannot come after the effect")
        if self.kind == "lost_reply" and self.when == "before":
            raise ValueError("a reply cannot be lost before the effect")
        undoing = sorted(set(COMPENSATIONS).intersection(self.operations))
        if self.kind == "refusal" and undoing:
            raise ValueError(f"a compensation cannot be refused: {', '.join(undoing)}")
        return self

    @property
    def side(self) -> When:
        """Side of the effect on which the fault happens."""
        return self.when or ("after" if self.kind == "lost_reply" else "before")

    def concerns(self, operation: str, order_id: str) -> bool:
        """Tell whether the rule matches such a call."""
        return operation in self.operations and any(
            fnmatchcase(order_id, pattern) for pattern in self.orders
        )


class FaultPlan(Message):
    """Fault plan: all rules, and the random seed."""

    #: Random seed. Another seed hits other calls at the same rates.
    seed: StrictInt = 0
    fault: tuple[Fault, ...] = ()


def load_fault_plan(path: Path) -> FaultPlan:
    """Read a fault plan.

    Raises:
        BadFaultPlan: the file cannot be read, or its content is invalid.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadFaultPlan(f"fault plan {path}: {error.strerror}") from error
    except ValueError as error:  # neither UTF-8 nor TOML
        raise BadFaultPlan(f"fault plan {path}: {error}") from error
    rules = content.get("fault", [])
    for number, rule in enumerate(rules if isinstance(rules, list) else [], start=1):
        try:
            Fault.model_validate(rule)
        except ValidationError as error:
            raise BadFaultPlan(f"fault plan {path}: rule {number}: {explain(error)}") from error
    try:
        return FaultPlan.model_validate(content)
    except ValidationError as error:
        raise BadFaultPlan(f"fault plan {path}: {explain(error)}") from error
