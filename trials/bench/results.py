"""Results of one run of the bench: medians of clean rounds, and ratios if there are enough."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from trials.bench.cost import Cost
from trials.bench.machine import DISTURBED
from trials.bench.measuring import Load, Sample
from trials.bench.operations import Operation
from trials.bench.variants import BARE, BARE_ON_DEFAULTS, CHOREOGRAPHED, FAST_PATH, ORCHESTRATED

#: Loads to which the targets refer.
ALONE, BUSY = Load(0, 1), Load(0, 50)


@dataclass(frozen=True)
class Results:
    """Results of one run."""

    #: What the times depend on: the machine, and versions.
    machine: Sequence[str]
    orders: int
    #: Samples by variant, then by load: one of each round.
    samples: Mapping[str, Mapping[Load, Sequence[Sample]]]
    #: Cost of an order that succeeds, and of one that shipping refuses, by variant.
    costs: Mapping[str, tuple[Cost, Cost]]
    operations: Sequence[Operation]
    #: Whether disturbed rounds count as well.
    regardless: bool = False

    @property
    def loads(self) -> list[Load]:
        """The loads, which are the same for all variants."""
        return list(next(iter(self.samples.values())))

    @property
    def rounds(self) -> int:
        """Number of rounds."""
        return len(self.foreign(self.loads[0]))

    def foreign(self, load: Load) -> list[float]:
        """Return, for each round, the largest share that others had during one of its samples."""
        rounds = zip(*(samples[load] for samples in self.samples.values()), strict=True)
        return [max(sample.foreign for sample in samples) for samples in rounds]

    def clean_rounds(self, load: Load) -> list[int]:
        """Return the rounds in which nobody disturbed any variant.

        Empty if that holds for no more than half of the rounds.
        """
        foreign = self.foreign(load)
        clean = [number for number, share in enumerate(foreign) if share <= DISTURBED]
        return clean if 2 * len(clean) > len(foreign) else []

    def median(self, variant: str, load: Load, what: str) -> float | None:
        """Return the median of a field of :class:`Sample`; None if too few rounds are clean."""
        if load not in self.loads:
            return None
        samples = self.samples[variant][load]
        counted = range(len(samples)) if self.regardless else self.clean_rounds(load)
        if not counted:
            return None
        return float(statistics.median(getattr(samples[number], what) for number in counted))

    @property
    def disturbed(self) -> list[Load]:
        """The loads that have too few clean rounds."""
        return [load for load in self.loads if not self.clean_rounds(load)]


class Target(NamedTuple):
    """Bound that a variant has to reach, mostly in comparison with another one."""

    variant: str
    what: str
    #: Variant that it is compared with; None for a number of its own.
    against: str | None
    bound: float
    #: Whether the bound is the largest value or the smallest.
    at_most: bool

    def measured(self, results: Results) -> float | None:
        """Return the ratio, or the number; None if it was not measured."""
        if self.against is None:
            return float(getattr(results.costs[self.variant][0], self.what))
        load = ALONE if self.what == "p50_ms" else BUSY
        own, other = (results.median(v, load, self.what) for v in (self.variant, self.against))
        return own / other if own is not None and other else None

    def reached(self, measured: float) -> bool:
        """Tell whether a measured value is good enough."""
        return measured <= self.bound if self.at_most else measured >= self.bound


#: The bounds are on the machine's own numbers, so they mean the same everywhere.
_TARGETS = (
    Target(ORCHESTRATED.name, "events", None, 29, at_most=True),
    Target(ORCHESTRATED.name, "orders_per_second", BARE.name, 0.95, at_most=False),
    Target(ORCHESTRATED.name, "p50_ms", BARE.name, 1.1, at_most=True),
    Target(ORCHESTRATED.name, "orders_per_second", BARE_ON_DEFAULTS.name, 2.4, at_most=False),
    Target(ORCHESTRATED.name, "p50_ms", BARE_ON_DEFAULTS.name, 0.25, at_most=True),
    Target(FAST_PATH.name, "events", None, 9, at_most=True),
    Target(FAST_PATH.name, "orders_per_second", BARE_ON_DEFAULTS.name, 5, at_most=False),
    Target(FAST_PATH.name, "p50_ms", BARE_ON_DEFAULTS.name, 0.1, at_most=True),
    Target(CHOREOGRAPHED.name, "orders_per_second", ORCHESTRATED.name, 0.5, at_most=False),
    Target(CHOREOGRAPHED.name, "p50_ms", ORCHESTRATED.name, 2, at_most=True),
    Target(CHOREOGRAPHED.name, "cpu", ORCHESTRATED.name, 2, at_most=True),
)


def targets(results: Results) -> list[Target]:
    """Return the targets of the variants that were measured."""
    return [target for target in _TARGETS if target.variant in results.samples]
