"""Speed and cost of our sagas beside the plainest hand-written one: ``make bench``.

All variants run at the same time, each with its own worker and ledgers, and are measured in turn:
A B C, A B C and so on. So whatever changes on the machine affects all of them alike.

Exit codes: 0 measured, 1 the machine was busy with other programs, so there is no ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from cli.output import Output
from runtime.exits import ExitCode, run
from runtime.programs import ROOT
from trials.bench.cost import Cost, cost
from trials.bench.ending import conclude
from trials.bench.files import write
from trials.bench.machine import described
from trials.bench.measuring import Load, check_effects
from trials.bench.operations import measure_operations
from trials.bench.results import Results
from trials.bench.rounds import in_rounds, warm_up
from trials.bench.tables import grids
from trials.bench.variants import System, running

_PERCENTS = (0, 30)


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
    return conclude(results, grids(results), lambda: write(results, chosen.to), output)


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
            await warm_up(system, chosen.orders)
        loads = [Load(percent, n) for percent in _PERCENTS for n in chosen.in_flight]
        samples = await in_rounds(systems, loads, chosen.rounds, chosen.orders, output.line)
        for system in systems:
            check_effects(system)
        machine = await described(systems[0].client)
    return Results(machine, chosen.orders, samples, costs, operations, chosen.regardless)


async def _costs(system: System) -> tuple[Cost, Cost]:
    name = f"{system.variant.slug}-cost"
    [success] = Load(0, 1).orders(f"{name}-success", 1)
    [refused] = Load(100, 1).orders(f"{name}-refused", 1)
    return await cost(system, success), await cost(system, refused)


if __name__ == "__main__":
    run(main)
