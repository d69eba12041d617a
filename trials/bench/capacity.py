"""Capacity on paper: needs of many orders per second, computed from the benchmark's JSON."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from pydantic import BaseModel

from messages.participants import SERVICES
from trials.bench import premises as given
from trials.bench.cost import Cost
from trials.bench.measuring import Sample
from trials.bench.results import BUSY

#: Updates of the search attribute in an order that is refused: COMPENSATING and FAILED.
_UPDATES_WHEN_REFUSED = 2
#: Events that a task leaves in the history: scheduled, started, completed.
_EVENTS_OF_A_TASK = 3
_GB = 1e9


class Costs(BaseModel):
    """Cost of an order of one variant."""

    variant: str
    succeeds: Cost
    refused: Cost


class Cell(BaseModel):
    """Measurements of one variant under one load."""

    variant: str
    percent_refused: int
    in_flight: int
    clean_rounds: list[int]
    rounds: list[Sample]


class Benchmark(BaseModel):
    """Parts of the benchmark's JSON that the calculation needs."""

    costs: list[Costs]
    cells: list[Cell]


@dataclass(frozen=True)
class PerOrder:
    """Average needs of one order, if some of the orders are refused."""

    events: float
    history_bytes: float
    workflows: float
    billable_actions: float
    #: Operations of the services: each is one commit in one ledger.
    operations: float
    visibility_writes: float
    #: CPU time in ms; None if there was no undisturbed measurement.
    server_cpu: float | None
    worker_cpu: float | None

    @property
    def tasks(self) -> float:
        """Largest possible number of workflow and activity tasks."""
        return self.events / _EVENTS_OF_A_TASK

    @property
    def requests(self) -> float:
        """Requests to Temporal: start and result, and for each task a poll and its completion."""
        return 2 + 2 * self.tasks


def per_order(benchmark: Benchmark, variant: str) -> PerOrder:
    """Return the average needs of an order of this variant."""
    [costs] = [of for of in benchmark.costs if of.variant == variant]

    def mean(what: str) -> float:
        succeeds, refused = (float(getattr(of, what)) for of in (costs.succeeds, costs.refused))
        return succeeds + given.REFUSED.value * (refused - succeeds)

    workflows = mean("workflows")
    return PerOrder(
        events=mean("events"),
        history_bytes=mean("history_bytes"),
        workflows=workflows,
        billable_actions=mean("billable_actions"),
        operations=mean("activities"),
        visibility_writes=2 * workflows + _UPDATES_WHEN_REFUSED * given.REFUSED.value,
        server_cpu=_cpu(benchmark, variant, "server_cpu"),
        worker_cpu=_cpu(benchmark, variant, "worker_cpu"),
    )


def _cpu(benchmark: Benchmark, variant: str, what: str) -> float | None:
    """Return the CPU time of an order in ms, on the line through the two measured shares."""
    medians: dict[float, float] = {
        cell.percent_refused / 100: statistics.median(
            float(getattr(cell.rounds[number], what)) for number in cell.clean_rounds
        )
        for cell in benchmark.cells
        if (cell.variant, cell.in_flight) == (variant, BUSY.in_flight) and cell.clean_rounds
    }
    if len(medians) < 2:
        return None
    (low, at_low), (high, at_high) = min(medians.items()), max(medians.items())
    return at_low + (given.REFUSED.value - low) / (high - low) * (at_high - at_low)


class Cloud(NamedTuple):
    """Needs in Temporal Cloud."""

    actions_per_second: float
    #: Resource units, by actions or by requests, whichever needs more.
    trus: int
    namespaces: int
    millions_of_actions_per_month: float
    #: US dollars a month: for actions at most, for open runs and for closed ones.
    actions_price: float
    active_price: float
    retained_price: float


def cloud(order: PerOrder, rate: float) -> Cloud:
    """Return what so many orders per second need in Temporal Cloud, and its list price."""
    aps = rate * order.billable_actions
    trus = ceil(max(aps / given.TRU_APS.value, rate * order.requests / given.TRU_RPS.value))
    hours = given.MONTH.value
    per_month = aps * hours * 3600
    bytes_per_second = rate * order.history_bytes
    retained = bytes_per_second * given.CLOUD_RETENTION.value * 86400 / _GB
    active = bytes_per_second * given.OPEN.value / _GB
    return Cloud(
        aps,
        trus,
        ceil(trus / given.MOST_TRUS.value),
        per_month / 1e6,
        price_of_actions(per_month),
        active * hours * given.ACTIVE.value,
        retained * hours * given.RETAINED.value,
    )


def price_of_actions(actions: float) -> float:
    """Return the list price of one month's actions in US dollars."""
    price, millions, begins_at = 0.0, actions / 1e6, 0.0
    for tier in given.TIERS:
        price += max(0.0, min(millions, tier.ends_at) - begins_at) * tier.price
        begins_at = tier.ends_at
    return price


def needs(order: PerOrder, rate: float) -> dict[str, float | None]:
    """Return what so many orders per second need in a cluster of one's own, by name."""
    shard_writes = given.BUSY.value * 1000 / given.SHARD_WRITE.value
    shards = _power_of_two(rate * order.events / shard_writes)
    partitions = _number(rate * order.tasks, given.PARTITION_TASKS)
    commits = rate * order.operations / len(SERVICES)
    kept = rate * order.history_bytes * given.RETENTION.value * 86400
    return {
        "writes of history shards/s, at most": rate * order.events,
        "history shards": shards,
        "history processes": ceil(shards / given.SHARDS_OF_A_PROCESS.value),
        "task queue partitions": max(partitions, given.PARTITIONS.value),
        "frontend processes": _number(rate * order.requests, given.FRONTEND_RPS),
        "cores of the Temporal server": _cores(rate, order.server_cpu),
        "worker processes, one core each": _cores(rate, order.worker_cpu),
        "visibility writes/s": rate * order.visibility_writes,
        "commits/s in each ledger": commits,
        "databases for each service": _number(commits, given.LEDGER_COMMITS),
        f"histories kept for {given.RETENTION.value:g} days, GB": kept / _GB,
        "growth of the ledgers a day, GB": rate * given.LEDGER_BYTES.value * 86400 / _GB,
        "task queues, for the reconciler": ceil(
            rate * given.RECONCILED.value / 1000 / given.BUSY.value
        ),
        "audits of one day's orders, CPU hours": rate * 24 * given.AUDITED.value / 1000,
    }


def _number(load: float, limit: given.Premise) -> int:
    return ceil(load / limit.value / given.BUSY.value)


def _cores(rate: float, cpu: float | None) -> int | None:
    return None if cpu is None else ceil(rate * cpu / 1000 / given.BUSY.value)


def _power_of_two(least: float) -> int:
    """Return the smallest power of two that is not less."""
    return 1 << max(0, ceil(least) - 1).bit_length()
