"""Many orders at once, under hostile faults unless told otherwise: ``make load``.

No order may be lost. The worker's memory must not grow with the number of orders that it has
processed: with 20,000 orders, this is checked. No more runs may be open than the orders in flight
explain.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from cli.audit import audit_with_temporal
from cli.local_system import LocalSystem, local_system
from cli.modes import Mode
from cli.output import Output
from cli.simulation.population import Population
from cli.simulation.simulate import Simulated, simulate
from cli.simulation.simulation import Simulation
from messages.participants import PARTICIPANTS
from runs.visibility import IS_PARKED
from runtime.exits import ExitCode, run
from runtime.processes import ChildProcess
from runtime.programs import ROOT
from services.audit import AuditReport
from settings import Settings

HOSTILE = ROOT / "examples" / "faults" / "hostile.toml"
#: Deadline of an order in seconds, under faults. An order whose event is parked ends then.
DEADLINE = 60
#: Runs that an order may have open on average: its own, and for each service the delivery of an
#: event and of the answer. Parked deliveries wait for an operator and are not counted.
RUNS_OF_AN_ORDER = {Mode.ORCHESTRATION: 1, Mode.CHOREOGRAPHY: 1 + 2 * len(PARTICIPANTS)}
#: Runs beyond that: the reconciler's, and closed ones, since Temporal's lists are updated late.
_BESIDES = 20
_EVERY = 1.0
#: The worker's memory in the last quarter of a long load, at most, as a multiple of the second.
_GROWTH = 1.05
#: Orders of a long load. In a shorter one the worker still fills its caches in the last quarter.
_LONG = 20_000


class Watched(NamedTuple):
    """Samples taken once a second during the load."""

    #: Resident memory of the worker, MiB.
    memory: list[float]
    #: Sagas and deliveries that were open, without the parked ones.
    open_runs: list[int]
    #: Runs that were parked for an operator.
    parked: list[int]


class Loaded(NamedTuple):
    """Result of the load in one mode."""

    #: Orders that were placed, and the number of runs that they may have open at the same time.
    orders: int
    bound: int
    simulated: Simulated
    audit: AuditReport
    watched: Watched

    @property
    def clean(self) -> bool:
        """Tell whether no order was lost or half done, and nothing grew beyond its orders."""
        settled = self.audit.clean and not self.audit.in_flight
        flat = self.orders < _LONG or self.growth is None or self.growth <= _GROWTH
        all_there = self.audit.sagas == self.orders
        return settled and all_there and self.most_open <= self.bound and flat

    @property
    def most_open(self) -> int:
        """Largest number of runs that were open at the same time."""
        return max(self.watched.open_runs, default=0)

    @property
    def growth(self) -> float | None:
        """Worker's memory in the last quarter, as a multiple of the second; None if not known."""
        memory = self.watched.memory
        if not memory:
            return None
        return statistics.median(_quarter(memory, 3)) / statistics.median(_quarter(memory, 1))


async def main() -> ExitCode:
    """Load one mode after the other, each on ledgers, a server and a worker of its own."""
    chosen = _arguments()
    faults = None if chosen.no_faults else HOSTILE
    output = Output(as_json=False)
    loaded: dict[Mode, Loaded] = {}
    for mode in chosen.mode or Mode:
        output.line(f"{mode.value}: {chosen.orders} orders, {chosen.in_flight} in flight", "bold")
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(data_dir=Path(folder), faults=faults)
            async with (
                local_system(settings, None, None, output.line) as on,
                on.worker(faults) as worker,
            ):
                loaded[mode] = await _load(on, worker, mode, chosen, output)
    output.line("")
    output.say(_table(loaded))
    clean = all(each.clean for each in loaded.values())
    return ExitCode.SUCCESS if clean else ExitCode.ROLLED_BACK


class _Chosen(argparse.Namespace):
    mode: list[Mode] | None
    orders: int
    in_flight: int
    no_faults: bool


def _arguments() -> _Chosen:
    parser = argparse.ArgumentParser(prog="python -m trials.bench.load", description=__doc__)
    modes = "|".join(Mode)
    parser.add_argument("--mode", type=Mode, action="append", metavar=modes, help="default: both")
    parser.add_argument("--orders", type=int, default=2000, help="in each mode")
    parser.add_argument("--in-flight", type=int, default=200, help="at the same time, at most")
    parser.add_argument("--no-faults", action="store_true", help="much faster: nothing breaks")
    return parser.parse_args(namespace=_Chosen())


async def _load(
    on: LocalSystem, worker: ChildProcess, mode: Mode, chosen: _Chosen, output: Output
) -> Loaded:
    population = Population(
        count=chosen.orders,
        seed=1,
        prefix=f"load-{mode.value}",
        deadline_seconds=None if chosen.no_faults else DEADLINE,
    )
    watched = Watched([], [], [])
    watching = asyncio.create_task(_watch(on, worker, watched))
    simulation = Simulation(on.client, mode, on.settings.task_queue)
    simulated = await simulate(simulation, population, chosen.in_flight, output)
    await _until_all_are_closed(on, mode)
    watching.cancel()
    report = await audit_with_temporal(on.client, on.settings.task_queue, on.settings.ledger_urls())
    bound = chosen.in_flight * RUNS_OF_AN_ORDER[mode] + _BESIDES
    return Loaded(chosen.orders, bound, simulated, report, watched)


async def _watch(on: LocalSystem, worker: ChildProcess, watched: Watched) -> None:
    while True:
        with suppress(OSError):
            watched.memory.append(_resident(worker.pid))
        parked = (await on.client.count_workflows(IS_PARKED)).count
        running = (await on.client.count_workflows('ExecutionStatus = "Running"')).count
        watched.parked.append(parked)
        watched.open_runs.append(running - parked)
        await asyncio.sleep(_EVERY)


def _resident(pid: int | None) -> float:
    """Return the resident memory of a process in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def _until_all_are_closed(on: LocalSystem, mode: Mode) -> None:
    """Wait until all orders have closed; one whose event is parked ends at its deadline."""
    query = f'WorkflowType = "{mode.workflow}" AND ExecutionStatus = "Running"'
    patience = time.monotonic() + 4 * DEADLINE
    while time.monotonic() < patience:
        if not (await on.client.count_workflows(query)).count:
            return
        await asyncio.sleep(_EVERY)


def _table(loaded: dict[Mode, Loaded]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in ("", *(mode.value for mode in loaded)):
        table.add_column(column, justify="right" if column else "left")

    def row(what: str, *values: str) -> None:
        table.add_row(what, *values)

    each = list(loaded.values())
    row("orders", *(str(one.simulated.summary.orders) for one in each))
    row("orders per second", *(str(one.simulated.summary.orders_per_second) for one in each))
    row("all effects stand", *(str(one.audit.succeeded) for one in each))
    row("no effect stands", *(str(one.audit.rolled_back) for one in each))
    row("still open", *(str(one.audit.in_flight) for one in each))
    row("violations", *(str(len(one.audit.violations)) for one in each))
    row("most runs open at once", *(f"{one.most_open} of {one.bound}" for one in each))
    for quarter, name in enumerate(("first", "second", "third", "last")):
        memory = (_median(one.watched.memory, quarter) for one in each)
        row(f"{name} quarter: worker's memory, MiB", *memory)
        row("  runs that were parked", *(_median(one.watched.parked, quarter) for one in each))
    growths = (one.growth for one in each)
    row(
        "last quarter to the second",
        *("not known here" if g is None else f"{g:.3f}" for g in growths),
    )
    return table


def _median(samples: Sequence[float], quarter: int) -> str:
    return f"{statistics.median(_quarter(samples, quarter)):.0f}" if samples else "not known here"


def _quarter(samples: Sequence[float], quarter: int) -> Sequence[float]:
    size = max(1, len(samples) // 4)
    return samples[quarter * size : (quarter + 1) * size] or samples


if __name__ == "__main__":
    run(main)
