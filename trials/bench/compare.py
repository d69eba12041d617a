"""Costs of an order, orchestrated and choreographed: ``make compare``.

Both modes run in turn on one server with one worker, so that other load on the machine affects
both alike. Counts are exact. Of the times, only the ratio can be compared with other machines.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from cli.local_system import ROOT, LocalSystem, local_system
from cli.modes import Mode
from cli.order_file import read_order
from cli.output import Output
from cli.placing import Placed, place
from messages.ids import delivery_id, event_id, order_choreography_id
from messages.orders import Order
from messages.subscriptions import SUBSCRIBERS
from runs.results import outcome
from runtime.exits import ExitCode, run
from settings import Settings

#: Examples to order, by title.
KINDS = {"succeeds": "order.json", "refused by shipping": "address_not_serviceable.json"}

_LOCAL_ACTIVITY = "core_local_activity"


class Cost(NamedTuple):
    """Cost of one order."""

    workflows: int
    events: int
    activities: int
    local_activities: int
    signals: int


class Measured(NamedTuple):
    """Measurements of one kind of order in both modes."""

    costs: dict[Mode, Cost]
    #: Seconds from placing an order to its end, one at a time.
    latencies: dict[Mode, list[float]]
    #: Seconds for all orders, with a fixed number in flight.
    together: dict[Mode, float]


async def main() -> ExitCode:
    """Measure, and print a table for each kind of order."""
    chosen = _arguments()
    output = Output(as_json=False)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), faults=None)
        async with local_system(settings, None, None, output.line) as on, on.worker(None):
            for title, example in KINDS.items():
                order = read_order(str(ROOT / "examples" / example))
                measured = await _measure(on, order, chosen.rounds, chosen.in_flight)
                output.line("")
                output.line(f"An order that {title}" if title == "succeeds" else f"One {title}")
                output.say(_table(measured, chosen.in_flight))
    return ExitCode.SUCCESS


class _Chosen(argparse.Namespace):
    rounds: int
    in_flight: int


def _arguments() -> _Chosen:
    parser = argparse.ArgumentParser(prog="python -m trials.bench.compare", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="orders of each, one at a time")
    parser.add_argument("--in-flight", type=int, default=20, help="orders of each, all at once")
    return parser.parse_args(namespace=_Chosen())


async def _measure(on: LocalSystem, order: Order, rounds: int, in_flight: int) -> Measured:
    costs: dict[Mode, Cost] = {}
    latencies: dict[Mode, list[float]] = {mode: [] for mode in Mode}
    together: dict[Mode, float] = {}
    for number in range(-2, rounds):  # the first two are a warm-up
        for mode in Mode:
            placed, seconds = await _through(on, mode, order, f"{mode.value}-{number}")
            if number >= 0:
                latencies[mode].append(seconds)
                costs[mode] = costs.get(mode) or await _cost(on.client, placed)
    for mode in Mode:
        began = time.perf_counter()
        many = (_through(on, mode, order, f"{mode.value}-together-{n}") for n in range(in_flight))
        await asyncio.gather(*many)
        together[mode] = time.perf_counter() - began
    return Measured(costs, latencies, together)


async def _through(on: LocalSystem, mode: Mode, order: Order, name: str) -> tuple[Placed, float]:
    one = order.model_copy(update={"order_id": f"{order.order_id}-{name}"})
    began = time.perf_counter()
    placed = await place(on.client, mode, one, on.settings.task_queue)
    await outcome(placed.run)
    return placed, time.perf_counter() - began


async def _cost(client: Client, placed: Placed) -> Cost:
    """Count the run and the deliveries of its events, after the last of them has closed."""
    counted = [await _events(placed.run)]
    told = ((type_, name) for type_, names in SUBSCRIBERS.items() for name in names)
    for type_, name in told if placed.run.id.startswith(order_choreography_id("")) else ():
        event = event_id(placed.run.id, placed.run.run_id or "", type_)
        carrier = client.get_workflow_handle(delivery_id(event, name))
        try:
            await carrier.result()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        else:
            counted.append(await _events(carrier))
    every = [kind for kinds in counted for kind in kinds]
    return Cost(
        workflows=len(counted),
        events=len(every),
        activities=every.count("activity_task_scheduled_event_attributes"),
        local_activities=every.count(_LOCAL_ACTIVITY),
        signals=every.count("workflow_execution_signaled_event_attributes"),
    )


async def _events(run: WorkflowHandle[Any, Any]) -> list[str]:
    """Return the kinds of the events of a run."""
    return [
        _LOCAL_ACTIVITY
        if event.marker_recorded_event_attributes.marker_name == _LOCAL_ACTIVITY
        else event.WhichOneof("attributes") or ""
        async for event in run.fetch_history_events()
    ]


def _table(measured: Measured, in_flight: int) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in ("", *(mode.value for mode in Mode), "ratio"):
        table.add_column(column, justify="right" if column else "left")

    def row(what: str, values: dict[Mode, float], unit: str = "") -> None:
        led, told = values[Mode.ORCHESTRATION], values[Mode.CHOREOGRAPHY]
        ratio = f"{told / led:.1f}" if led else ""
        table.add_row(what, f"{led:,.0f}{unit}", f"{told:,.0f}{unit}", ratio)

    for field in Cost._fields:
        row(field, {mode: float(getattr(measured.costs[mode], field)) for mode in Mode})
    medians = {m: 1000 * statistics.median(measured.latencies[m]) for m in Mode}
    row("one at a time, median", medians, " ms")
    row(
        f"{in_flight} at once, per order",
        {m: 1000 * measured.together[m] / in_flight for m in Mode},
        " ms",
    )
    return table


if __name__ == "__main__":
    run(main)
