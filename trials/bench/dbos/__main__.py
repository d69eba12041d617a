"""Speed and cost of our sagas beside the same steps on DBOS: ``make bench-dbos``.

DBOS keeps the states of workflows in a database, without a server of its own. All variants run at
the same time and are measured in turn, as in ``make bench``.

Exit codes: 0 measured, 1 the machine was busy with other programs, so there is no ratio.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from cli.output import Output
from runtime.exits import ExitCode, run
from runtime.programs import ROOT
from tests.harness.postgres import PostgresServer, postgres_server
from trials.bench.dbos.competitor import AS_DELIVERED, POSTGRES, TUNED, competing
from trials.bench.dbos.ratios import ratios, told
from trials.bench.ending import conclude
from trials.bench.files import PAGE, cells, markdown, page
from trials.bench.machine import described
from trials.bench.measuring import Measured, check_effects
from trials.bench.results import ALONE, BUSY, Results
from trials.bench.rounds import in_rounds, warm_up
from trials.bench.tables import Grid, caveat, times
from trials.bench.variants import FAST_PATH, ORCHESTRATED, running

_PERCENTS = (0, 30)


class _Chosen(argparse.Namespace):
    rounds: int
    orders: int
    to: Path
    regardless: bool


async def main() -> ExitCode:
    """Measure, print the tables, and write the files."""
    chosen = _arguments()
    output = Output(as_json=False)
    data = ROOT / ".data"
    data.mkdir(exist_ok=True)
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(dir=data))
        server = _postgres(opened, output.line)
        results = await _measured(Path(folder), server, chosen, output.line)
    grids = [*(times(results, percent) for percent in _PERCENTS), ratios(results)]
    return conclude(results, grids, lambda: _write(results, grids, chosen.to), output)


def _arguments() -> _Chosen:
    parser = argparse.ArgumentParser(prog="python -m trials.bench.dbos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of which medians are taken")
    parser.add_argument("--orders", type=int, default=150, help="in each measurement")
    parser.add_argument("--to", type=Path, default=Path(".data/bench"), help="folder for the files")
    parser.add_argument(
        "--regardless", action="store_true", help="give numbers though the machine was busy"
    )
    return parser.parse_args(namespace=_Chosen())


def _postgres(opened: ExitStack, report: Callable[[str], None]) -> PostgresServer | None:
    try:
        return opened.enter_context(postgres_server(fsync=True))
    except Exception as error:  # whatever it lacks here, the others do not need it
        report(f"no PostgreSQL here: {' '.join(str(error).split()) or type(error).__name__}")
        return None


async def _measured(
    folder: Path, server: PostgresServer | None, chosen: _Chosen, report: Callable[[str], None]
) -> Results:
    kinds = {AS_DELIVERED: None, TUNED: None} | ({POSTGRES: server} if server else {})
    async with AsyncExitStack() as opened:
        competitors = [
            await opened.enter_async_context(competing(kind, folder / kind.slug, on))
            for kind, on in kinds.items()
        ]
        ours = await opened.enter_async_context(running(folder, report, (ORCHESTRATED, FAST_PATH)))
        systems: list[Measured] = [*ours, *competitors]
        for system in systems:
            await warm_up(system, chosen.orders)
        loads = [at._replace(percent_refused=p) for p in _PERCENTS for at in (ALONE, BUSY)]
        samples = await in_rounds(systems, loads, chosen.rounds, chosen.orders, report)
        for system in systems:
            check_effects(system)
        machine = [*await described(ours[0].client), f"dbos {competitors[0].version}"]
    return Results(machine, chosen.orders, samples, {}, [], chosen.regardless)


def _write(results: Results, grids: list[Grid], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": results.machine,
        "orders": results.orders,
        "caveat": caveat(results),
        "cells": cells(results),
        "ratios": told(results),
    }
    contents = {
        folder / "benchmark-dbos.json": json.dumps(document, indent=1) + "\n",
        folder / PAGE: page(folder, "make bench-dbos", markdown(results, grids)),
    }
    for path, content in contents.items():
        path.write_text(content, encoding="utf-8")
    return list(contents)


if __name__ == "__main__":
    run(main)
