"""``simulate``: simulation with a progress bar and a summary."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from cli.output import Output
from cli.simulation.fates import CANCELLED, PARKED, SUCCEEDED, Fate, Summary, summarize
from cli.simulation.population import Population
from cli.simulation.simulation import Simulation
from messages.text import printable
from runs.results import BrokenOff
from runtime.exits import ExitCode
from runtime.programs import program

#: Seconds without an order's end after which a line says so.
_SILENCE = 15.0
#: Orders without a result that are shown to a person. So many probably have one common cause.
_SHOWN = 20


class Simulated(NamedTuple):
    """Result of a simulation."""

    fates: list[Fate]
    summary: Summary

    @property
    def exit_code(self) -> ExitCode:
        """Exit code 1 if orders wait for an operator. Orders that were rolled back do not count."""
        return ExitCode.ROLLED_BACK if self.summary.parked else ExitCode.SUCCESS


async def simulate(
    simulation: Simulation, population: Population, concurrency: int, output: Output
) -> Simulated:
    """Run the simulation and show its summary."""
    began = time.monotonic()
    with _progress(population.count, output) as advance:
        silence = _Silence(output)
        watching = asyncio.create_task(silence.watch())

        def ended(fate: Fate) -> None:
            silence.broken()
            advance(fate)

        try:
            fates = await simulation.run(population.orders(), concurrency, ended)
        except asyncio.CancelledError:
            output.line(
                "The orders that were placed continue by themselves; no other order is placed."
            )
            raise
        finally:
            watching.cancel()
    summary = summarize(fates, time.monotonic() - began)
    output.say()
    output.say(_table(fates, summary))
    _say_broken_off(fates, output)
    if summary.parked:
        output.line(f"See the orders that wait: {program('starter.py')} inbox", "bold red")
    output.document(summary)
    return Simulated(fates, summary)


def _say_broken_off(fates: list[Fate], output: Output) -> None:
    broken_off = [fate.outcome for fate in fates if isinstance(fate.outcome, BrokenOff)]
    for ended in broken_off[:_SHOWN]:
        output.sentence(f"  {ended.saga_id}: {printable(ended.error)}", "red")
    if len(broken_off) > _SHOWN:
        output.line(f"  … and {len(broken_off) - _SHOWN} more", "red")


@contextmanager
def _progress(orders: int, output: Output) -> Iterator[Callable[[Fate], None]]:
    if not output.console.is_terminal:
        yield _TenthsOf(orders, output)
        return
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=output.console) as progress:
        task = progress.add_task("orders", total=orders)
        yield lambda _fate: progress.advance(task)


class _Silence:
    """Watch that prints one line whenever no order has ended for a while."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._broken = asyncio.Event()

    def broken(self) -> None:
        """Take note that an order has ended."""
        self._broken.set()

    async def watch(self) -> None:
        """Watch until cancelled."""
        while True:
            self._broken.clear()
            try:
                await asyncio.wait_for(self._broken.wait(), _SILENCE)
            except asyncio.TimeoutError:
                self._output.line(
                    f"  no order has ended for {_SILENCE:g} s; do server and worker run?"
                    f" ({program('worker.py')})",
                    "yellow",
                )
                await self._broken.wait()


class _TenthsOf:
    """Progress in lines, for output that is not a terminal."""

    def __init__(self, orders: int, output: Output) -> None:
        self._orders = orders
        self._output = output
        self._ended = 0

    def __call__(self, _fate: Fate) -> None:
        before, self._ended = self._ended, self._ended + 1
        if before * 10 // self._orders != self._ended * 10 // self._orders:
            self._output.line(f"  {self._ended} of {self._orders} orders")


def _table(fates: list[Fate], summary: Summary) -> Table:
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right", style="dim")
    for kind, number in sorted(Counter(f.kind for f in fates).items(), key=_rank):
        share = f"{100 * number / len(fates):.0f} %"
        table.add_row(kind, str(number), share, style=_STYLES.get(kind, "yellow"))
    table.add_section()
    table.add_row(
        "orders",
        str(summary.orders),
        f"{summary.seconds:.1f} s, {summary.orders_per_second}/s",
    )
    return table


_STYLES = {SUCCEEDED: "green", CANCELLED: "yellow", PARKED: "bold red"}


def _rank(row: tuple[str, int]) -> tuple[bool, int]:
    return row[0] != SUCCEEDED, -row[1]
