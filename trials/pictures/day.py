"""Simulated day of a shop: its customers' clock is simulated, and everything else is real."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from typing import NamedTuple

from cli.local_system import LocalSystem
from cli.modes import Mode
from cli.patience import patiently
from cli.placing import place
from cli.simulation.fates import Fate
from cli.simulation.population import Population
from messages.orders import Order
from messages.sagas import SagaRolledBack
from runs.results import outcome

#: Orders that customers place on average in each hour of the day.
PER_HOUR = (2, 1, 1, 1, 1, 1, 2, 3, 5, 6, 8, 9, 10, 9, 7, 8, 8, 9, 11, 12, 11, 9, 5, 3)
#: Real seconds in which an hour of the customers' clock passes.
HOUR_SECONDS = 2.5


class Ended(NamedTuple):
    """Order of the day that has ended."""

    hour: int
    kind: str
    #: Real milliseconds from the placing to the end.
    latency: float
    #: Number of steps that were undone.
    undone: int


async def simulated_day(system: LocalSystem) -> Sequence[Ended]:
    """Place the orders of a day, each at its moment, and return how they ended."""
    began = time.monotonic()

    async def customer(hour: int, moment: float, order: Order) -> Ended:
        await asyncio.sleep(began + moment * HOUR_SECONDS - time.monotonic())
        return await _placed(system, hour, order)

    return await asyncio.gather(*(customer(*arrival) for arrival in _arrivals()))


def _arrivals() -> list[tuple[int, float, Order]]:
    """Return the hour and the exact moment, in hours, at which each order is placed."""
    chance = random.Random(7)
    orders = Population(count=sum(PER_HOUR), seed=7, prefix="day").orders()
    return [
        (hour, hour + chance.random(), order.model_copy(update={"order_id": f"day-{hour:02}-{n}"}))
        for hour, count in enumerate(PER_HOUR)
        for n, order in zip(range(count), orders, strict=False)
    ]


async def _placed(system: LocalSystem, hour: int, order: Order) -> Ended:
    began = time.monotonic()
    queue = system.settings.task_queue
    placed = await patiently(lambda: place(system.client, Mode.ORCHESTRATION, order, queue))
    ended = await patiently(lambda: outcome(placed.run))
    latency = (time.monotonic() - began) * 1000
    undone = len(ended.compensated_steps) if isinstance(ended, SagaRolledBack) else 0
    return Ended(hour, Fate(placed.run.id, "", ended).kind, latency, undone)
