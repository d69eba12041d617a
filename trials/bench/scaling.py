"""Throughput of one, two or more worker processes on the same task queue and ledgers.

Server, workers and load generator share this machine. So more workers help only until its CPUs are
full, and the table says how full they were. With --set, workers with other settings are compared
instead. Exit code 1 when an order was lost or half done.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from cli.output import Output
from runtime.devserver import DevServer
from runtime.exits import ExitCode, run
from runtime.programs import ROOT
from trials.bench.measuring import Load, Sample, check_effects, measure
from trials.bench.tables import Grid
from trials.bench.variants import VARIANTS, System, Variant, system

_WARM_UP = 10


class _Column(NamedTuple):
    """Column of the table: a variant, and with how many workers it runs."""

    name: str
    variant: Variant
    workers: int


class _Chosen(argparse.Namespace):
    variant: str
    workers: list[int]
    set: list[str]
    orders: int
    in_flight: int
    rounds: int


async def main() -> ExitCode:
    """Measure each number of workers in turn, in rounds, and print a table."""
    chosen = _arguments()
    output = Output(as_json=False)
    columns = _columns(chosen)
    data = ROOT / ".data"
    data.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data) as folder:
        samples, lost = await _measured(Path(folder), columns, chosen, output)
    output.line("")
    output.say(_grid(chosen.variant, samples).for_terminal())
    for what in lost:
        output.line(f"✘ {what}", "bold red")
    if lost:
        return ExitCode.ROLLED_BACK
    output.line("✔ No order is lost, doubled or half done: the audits are clean.")
    return ExitCode.SUCCESS


def _arguments() -> _Chosen:
    parser = argparse.ArgumentParser(prog="python -m trials.bench.scaling", description=__doc__)
    ours = [variant.name for variant in VARIANTS]
    parser.add_argument("--variant", choices=ours, default="orchestrated")
    parser.add_argument(
        "--workers", type=int, nargs="+", choices=range(1, 5), default=[1, 2, 4], help="processes"
    )
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="compare one worker as it is with one for each of these ORDER_SAGA_… settings",
    )
    parser.add_argument("--orders", type=int, default=200, help="in each measurement")
    parser.add_argument("--in-flight", type=int, default=50, help="at the same time")
    parser.add_argument("--rounds", type=int, default=3, help="of which medians are taken")
    chosen = parser.parse_args(namespace=_Chosen())
    if not all(one.variant.exists for one in _columns(chosen)):
        parser.error("--set takes names of settings without ORDER_SAGA_, each with a value")
    return chosen


def _columns(chosen: _Chosen) -> list[_Column]:
    variant = _variant(chosen)
    if not chosen.set:
        return [_Column(f"workers: {n}", variant, n) for n in chosen.workers]
    return [_Column("as it is", variant, 1), *map(partial(_changed, variant), chosen.set)]


def _variant(chosen: _Chosen) -> Variant:
    return next(one for one in VARIANTS if one.name == chosen.variant)


def _changed(variant: Variant, setting: str) -> _Column:
    name, _, value = setting.partition("=")
    settings = {**variant.settings, f"ORDER_SAGA_{name.upper()}": value}
    return _Column(setting, variant._replace(settings=settings), 1)


async def _measured(
    folder: Path, columns: Sequence[_Column], chosen: _Chosen, output: Output
) -> tuple[dict[str, list[Sample]], list[str]]:
    async with AsyncExitStack() as opened:
        as_delivered = columns[0].variant.server_as_delivered
        server = DevServer(folder / "server", report=output.line, as_delivered=as_delivered)
        await opened.enter_async_context(server)
        systems: dict[str, System] = {}
        for number, (name, variant, workers) in enumerate(columns):
            one = system(variant, server, folder / f"column-{number}", output.line, workers)
            systems[name] = await opened.enter_async_context(one)
        samples: dict[str, list[Sample]] = {name: [] for name in systems}
        for number in range(-1, chosen.rounds):  # the first one is a warm-up
            for column, (name, of) in enumerate(systems.items()):
                warm_up = number < 0
                output.line(f"{'warm-up' if warm_up else f'round {number + 1}'}: {name}")
                count = min(_WARM_UP, chosen.orders) if warm_up else chosen.orders
                load = Load(0, chosen.in_flight)
                sample = await measure(of, load, f"column-{column}-{number}", count)
                if not warm_up:
                    samples[name].append(sample)
        checks = [await asyncio.to_thread(_lost, of) for of in systems.values()]
        return samples, [what for what in checks if what]


def _lost(of: System) -> str | None:
    try:
        check_effects(of)
    except RuntimeError as error:
        return str(error)
    return None


def _grid(variant: str, samples: dict[str, list[Sample]]) -> Grid:
    header = ["", *samples]
    columns = list(samples.values())
    cpus = os.cpu_count() or 1
    rows = [
        ["orders/s", *(f"{_median(of, 'orders_per_second'):.1f}" for of in columns)],
        ["p50 ms", *(f"{_median(of, 'p50_ms'):.0f}" for of in columns)],
        ["CPU-s, server", *(f"{_median(of, 'server_cpu'):.1f}" for of in columns)],
        ["CPU-s, all workers", *(f"{_median(of, 'worker_cpu'):.1f}" for of in columns)],
        ["CPU-s, load generator", *(f"{_median(of, 'client_cpu'):.1f}" for of in columns)],
        [f"{cpus} CPUs used by these", *(f"{_used(of, cpus):.0%}" for of in columns)],
        ["by other programs", *(f"{_median(of, 'foreign'):.0%}" for of in columns)],
    ]
    return Grid(f"{variant}, CPU-s for 1000 orders", header, rows)


def _used(samples: Sequence[Sample], cpus: int) -> float:
    """Return the median share of the CPUs that server, workers and generator used together."""
    return statistics.median(
        (one.cpu + one.client_cpu) / 1000 * one.orders_per_second / cpus for one in samples
    )


def _median(samples: Sequence[Sample], what: str) -> float:
    return float(statistics.median(getattr(one, what) for one in samples))


if __name__ == "__main__":
    run(main)
