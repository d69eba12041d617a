"""Speed and cost of our sagas beside the plainest hand-written one: ``make bench``.

All variants run at the same time, each with its own worker and ledgers, and are measured in turn:
A B C, A B C and so on. So whatever changes on the machine affects all of them alike.

Exit codes: 0 measured, 1 the machine was busy with other programs, so there is no ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import os
import platform
import tempfile
from pathlib import Path

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client

from cli.output import Output
from runtime.exits import ExitCode, run
from runtime.programs import ROOT
from trials.bench.cost import Cost, cost
from trials.bench.files import write
from trials.bench.measuring import Load, Sample, check_effects, measure
from trials.bench.operations import measure_operations
from trials.bench.results import Results
from trials.bench.tables import caveat, grids
from trials.bench.variants import System, running

_PERCENTS = (0, 30)
_WARM_UP = 10


class _Chosen(argparse.Namespace):
    rounds: int
    orders: int
    in_flight: list[int]
    to: Path
    regardless: bool


async def main() -> ExitCode:
    """Measure, print the tables, and write the files."""
    chosen = _arguments()
    output = Output(as_json=False)
    data = ROOT / ".data"
    data.mkdir(exist_ok=True)
    # Where the ledgers usually are, because other file systems do not wait for a disk.
    with tempfile.TemporaryDirectory(dir=data) as folder:
        results = await _measured(Path(folder), chosen, output)
    for grid in grids(results):
        output.line("")
        output.say(grid.for_terminal())
    output.line("")
    for path in write(results, chosen.to):
        output.line(f"written: {path}", "dim")
    said = caveat(results)
    if said:
        output.line(f"✘ {said}", "bold red")
    return ExitCode.ROLLED_BACK if said and not chosen.regardless else ExitCode.SUCCESS


def _arguments() -> _Chosen:
    parser = argparse.ArgumentParser(prog="python -m trials.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of which medians are taken")
    parser.add_argument("--orders", type=int, default=150, help="in each measurement")
    parser.add_argument(
        "--in-flight", type=int, nargs="+", default=[1, 50, 200], help="orders at the same time"
    )
    parser.add_argument("--to", type=Path, default=Path(".data/bench"), help="folder for the files")
    parser.add_argument(
        "--regardless", action="store_true", help="give numbers though the machine was busy"
    )
    return parser.parse_args(namespace=_Chosen())


async def _measured(folder: Path, chosen: _Chosen, output: Output) -> Results:
    output.line("operations of the services")
    operations = await asyncio.to_thread(measure_operations, folder, chosen.orders)
    async with running(folder, output.line) as systems:
        costs = {}
        for system in systems:
            output.line(f"cost of an order: {system.variant.name}")
            costs[system.variant.name] = await _costs(system)
            await measure(system, Load(0, _WARM_UP), "warm-up", min(_WARM_UP, chosen.orders))
        samples = await _rounds(systems, chosen, output)
        for system in systems:
            check_effects(system)
        machine = await _machine(systems[0].client)
    return Results(machine, chosen.orders, samples, costs, operations, chosen.regardless)


async def _costs(system: System) -> tuple[Cost, Cost]:
    name = f"{system.variant.slug}-cost"
    [success] = Load(0, 1).orders(f"{name}-success", 1)
    [refused] = Load(100, 1).orders(f"{name}-refused", 1)
    return await cost(system, success), await cost(system, refused)


async def _rounds(
    systems: list[System], chosen: _Chosen, output: Output
) -> dict[str, dict[Load, list[Sample]]]:
    loads = [Load(percent, n) for percent in _PERCENTS for n in chosen.in_flight]
    samples: dict[str, dict[Load, list[Sample]]] = {
        system.variant.name: {load: [] for load in loads} for system in systems
    }
    for number in range(chosen.rounds):
        for load in loads:
            output.line(
                f"round {number + 1} of {chosen.rounds}: {load.in_flight} in flight,"
                f" {load.percent_refused} % refused"
            )
            for system in systems:
                name = f"{number}-{load.percent_refused}-{load.in_flight}"
                sample = await measure(system, load, name, _count(load, chosen))
                samples[system.variant.name][load].append(sample)
    return samples


def _count(load: Load, chosen: _Chosen) -> int:
    """Return the number of orders; one at a time they take long, and vary less."""
    return max(load.in_flight, chosen.orders if load.in_flight > 1 else chosen.orders // 10)


async def _machine(client: Client) -> list[str]:
    server = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    return [
        f"{os.cpu_count()} CPUs",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        f"temporalio {importlib.metadata.version('temporalio')}",
        f"Temporal server {server.server_version}",
    ]


if __name__ == "__main__":
    run(main)
