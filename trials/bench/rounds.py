"""Rounds of measurements, in which the variants take turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trials.bench.measuring import Load, Measured, Sample, measure

_WARM_UP = 10


async def warm_up(system: Measured, orders: int) -> None:
    """Place a few orders that are not counted."""
    await measure(system, Load(0, _WARM_UP), "warm-up", min(_WARM_UP, orders))


async def in_rounds(
    systems: Sequence[Measured],
    loads: Sequence[Load],
    rounds: int,
    orders: int,
    report: Callable[[str], None],
) -> dict[str, dict[Load, list[Sample]]]:
    """Measure each load on all systems in turn, so many times, with so many orders.

    Returns:
        The samples by the system's name, then by load.
    """
    samples: dict[str, dict[Load, list[Sample]]] = {
        system.name: {load: [] for load in loads} for system in systems
    }
    for number in range(rounds):
        for load in loads:
            report(
                f"round {number + 1} of {rounds}: {load.in_flight} in flight,"
                f" {load.percent_refused} % refused"
            )
            for system in systems:
                name = f"{number}-{load.percent_refused}-{load.in_flight}"
                samples[system.name][load].append(
                    await measure(system, load, name, _count(load, orders))
                )
    return samples


def _count(load: Load, orders: int) -> int:
    """Return the number of orders; one at a time they take long, and vary less."""
    return max(load.in_flight, orders if load.in_flight > 1 else orders // 10)
