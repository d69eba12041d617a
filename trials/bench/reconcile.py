"""Costs of a reconciliation on ledgers with a short history and with a long one.

Each history has its own server and worker on the same machine. They are measured in turn, so that
other load on the machine affects both alike.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from rich.table import Table

from cli.local_system import LocalSystem, local_system
from cli.modes import Mode
from cli.order_file import read_order
from cli.output import Output
from cli.placing import place
from messages.orders import Order
from messages.reconciliation import Reconcile
from runs.results import outcome
from runtime.exits import ExitCode, run
from runtime.programs import ROOT
from settings import Settings
from trials.bench.filled import fill
from workflows.reconciliation.reconcile_orders import ReconcileOrders

#: Orders in the short history.
FEW = 1_000
#: Seconds that a reconciliation may take, however long the history is.
WITHIN = 2.0
_IN_FLIGHT = 20


class Measured(NamedTuple):
    """Measurements on one history."""

    orders: int
    megabytes: float
    #: Seconds of each reconciliation that had no runs to examine.
    settled: list[float]
    #: Seconds of the reconciliation that had recent orders to examine.
    recent: float


async def main() -> ExitCode:
    """Measure, and print a table; exit code 1 when it takes too long."""
    chosen = _arguments()
    output = Output(as_json=False)
    order = read_order(str(ROOT / "examples" / "order.json"))
    # A scheduled reconciliation at the same time would distort the measurement.
    os.environ["ORDER_SAGA_RECONCILE_EVERY_SECONDS"] = "0"
    async with AsyncExitStack() as opened:
        systems = {
            orders: await _opened(opened, order, orders, output) for orders in (FEW, chosen.orders)
        }
        measured = await _measure(systems, order, chosen)
    output.line("")
    output.say(_table(measured, chosen))
    within = all(statistics.median(one.settled) < WITHIN for one in measured)
    return ExitCode.SUCCESS if within else ExitCode.ROLLED_BACK


class _Chosen(argparse.Namespace):
    orders: int
    rounds: int
    recent: int


def _arguments() -> _Chosen:
    parser = argparse.ArgumentParser(prog="python -m trials.bench.reconcile", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000, help="in the long history")
    parser.add_argument("--rounds", type=int, default=5, help="reconciliations of each")
    parser.add_argument("--recent", type=int, default=200, help="orders that are not settled yet")
    return parser.parse_args(namespace=_Chosen())


async def _opened(opened: AsyncExitStack, order: Order, orders: int, output: Output) -> LocalSystem:
    settings = Settings(
        data_dir=Path(opened.enter_context(tempfile.TemporaryDirectory())), faults=None
    )
    output.line(f"filling ledgers with {orders:,} orders")
    await asyncio.to_thread(fill, settings, order, orders)
    on = await opened.enter_async_context(local_system(settings, None, None, output.line))
    await opened.enter_async_context(on.worker(None))
    return on


async def _measure(
    systems: dict[int, LocalSystem], order: Order, chosen: _Chosen
) -> list[Measured]:
    settled: dict[int, list[float]] = {orders: [] for orders in systems}
    for number in range(-1, chosen.rounds):  # the first one is a warm-up
        for orders, on in systems.items():
            seconds = await _reconcile(on)
            if number >= 0:
                settled[orders].append(seconds)
    recent: dict[int, float] = {}
    for orders, on in systems.items():
        await _place(on, order, chosen.recent)
        recent[orders] = await _reconcile(on)
    return [Measured(n, _size(on), settled[n], recent[n]) for n, on in systems.items()]


async def _reconcile(on: LocalSystem) -> float:
    began = time.perf_counter()
    report = await on.client.execute_workflow(
        ReconcileOrders.run,
        Reconcile(),
        id=f"reconcile-{uuid4()}",
        task_queue=on.settings.task_queue,
    )
    seconds = time.perf_counter() - began
    assert report.orders == 0, report
    assert report.all_done, report
    return seconds


async def _place(on: LocalSystem, order: Order, count: int) -> None:
    gate = asyncio.Semaphore(_IN_FLIGHT)

    async def through(number: int) -> None:
        async with gate:
            one = order.model_copy(update={"order_id": f"recent-{number}"})
            placed = await place(on.client, Mode.ORCHESTRATION, one, on.settings.task_queue)
            await outcome(placed.run)

    await asyncio.gather(*map(through, range(count)))


def _size(on: LocalSystem) -> float:
    ledgers = (on.settings.data_dir / f"{service}.db" for service in on.settings.ledger_urls())
    return sum(ledger.stat().st_size for ledger in ledgers) / 1e6


def _table(measured: list[Measured], chosen: _Chosen) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in ("", *(f"{one.orders:,} orders" for one in measured), "ratio"):
        table.add_column(column, justify="right" if column else "left")

    def row(what: str, values: Iterable[float], unit: str) -> None:
        few, many = values
        table.add_row(what, f"{few:,.0f} {unit}", f"{many:,.0f} {unit}", f"{many / few:.1f}")

    row("size of the ledgers", (one.megabytes for one in measured), "MB")
    medians = [1000 * statistics.median(one.settled) for one in measured]
    row(f"nothing unsettled, median of {chosen.rounds}", medians, "ms")
    row(f"{chosen.recent:,} unsettled orders", (1000 * one.recent for one in measured), "ms")
    return table


if __name__ == "__main__":
    run(main)
