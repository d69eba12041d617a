"""Costs of an audit on ledgers with a long history: ``python -m trials.bench.audit``.

Each audit runs in a process of its own. The facts about the runs are filled into the store that the
list of runs fills otherwise, because no server could run so many orders in so little time.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from rich.table import Table

from cli.order_file import read_order
from cli.output import Output
from messages.base import Message
from messages.runs import NextListing, SagaFact
from runs.facts import FactStore
from runtime.exits import ExitCode, run
from runtime.programs import ROOT
from services.audit import Audit, GivenFacts, last_audit, open_books
from settings import Settings
from trials.bench.filled import fill

#: Largest resident memory of an audit, MiB, however long the history is.
WITHIN = 300
#: Orders between the first audit and the next one.
NEXT = 10_000


class Measured(Message):
    """Measurement of one audit."""

    what: str
    orders: int
    seconds: float
    #: Seconds of processor time, which other load on the machine hardly changes.
    cpu: float
    #: Largest resident memory, MiB.
    memory: float


async def main() -> ExitCode:
    """Measure, and print a table; exit code 1 when an audit needs too much memory."""
    chosen = _arguments()
    if chosen.folder is not None:
        _audit(chosen)
        return ExitCode.SUCCESS
    output = Output(as_json=False)
    order = read_order(str(ROOT / "examples" / "order.json"))
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), faults=None)
        output.line(f"filling ledgers with {chosen.orders:,} orders")
        await asyncio.to_thread(fill, settings, order, chosen.orders)
        measured = [await _measured("the first audit", folder, chosen.orders, 0)]
        await asyncio.to_thread(fill, settings, order, NEXT, after=chosen.orders)
        every = chosen.orders + NEXT
        what = f"the audit of the next {NEXT:,} orders"
        measured.append(await _measured(what, folder, every, chosen.orders))
        measured.append(await _measured("an audit of nothing new", folder, every, every))
        measured.append(await _measured("all again: --full", folder, every, 0, "--full"))
    output.line("")
    output.say(_table(measured))
    within = all(one.memory <= WITHIN for one in measured)
    return ExitCode.SUCCESS if within else ExitCode.ROLLED_BACK


class _Chosen(argparse.Namespace):
    orders: int
    folder: str | None
    listed_after: int
    full: bool
    what: str


def _arguments() -> _Chosen:
    parser = argparse.ArgumentParser(prog="python -m trials.bench.audit", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000, help="in the history")
    for own in ("--folder", "--what"):
        parser.add_argument(own, help=argparse.SUPPRESS)
    parser.add_argument("--listed-after", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--full", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(namespace=_Chosen())


async def _measured(what: str, folder: str, orders: int, listed_after: int, *more: str) -> Measured:
    command = (sys.executable, "-m", "trials.bench.audit", "--folder", folder, "--what", what)
    numbers = ("--orders", str(orders), "--listed-after", str(listed_after))
    child = await asyncio.create_subprocess_exec(
        *command, *numbers, *more, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await child.communicate()
    return Measured.model_validate_json(printed)


class _Listed(GivenFacts):
    """Facts that the list of runs would give."""

    def __init__(self, store: FactStore) -> None:
        super().__init__({})
        self.of = store.of  # type: ignore[method-assign]
        self.pages = store.pages  # type: ignore[method-assign]

    def next_listing(self) -> NextListing:
        return NextListing(None, 0)


def _list(store: FactStore, ledger: str, after: int) -> None:
    """Store what a server would list of all runs after the first ones."""
    now = datetime.now(timezone.utc)
    with closing(sqlite3.connect(ledger.removeprefix("sqlite:///"))) as connection:
        rows = connection.execute(
            "SELECT run_id, saga_id FROM fence ORDER BY rowid LIMIT -1 OFFSET ?", (after,)
        )
        while page := rows.fetchmany(1_000):
            store.add(
                (run_id, SagaFact(saga_id=saga_id, status="succeeded"), now)
                for run_id, saga_id in page
            )


def _audit(chosen: _Chosen) -> None:
    ledgers = Settings(data_dir=Path(str(chosen.folder)), faults=None).ledger_urls()
    began, cpu = time.perf_counter(), time.process_time()
    with closing(FactStore()) as store:
        _list(store, ledgers["inventory"], chosen.listed_after)
        with open_books(ledgers) as books:
            since = None if chosen.full else last_audit(books)
        with closing(Audit(ledgers, _Listed(store), since=since, scope="bench")) as audit:
            assert audit.read() == []
            report = audit.finish()
    seconds = time.perf_counter() - began
    assert report.clean, report.violations[:3]
    assert report.succeeded == report.sagas == chosen.orders, report
    cpu = time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    one = Measured(what=chosen.what, orders=chosen.orders, seconds=seconds, cpu=cpu, memory=memory)
    print(one.model_dump_json())


def _table(measured: list[Measured]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in ("", "orders", "seconds", "CPU seconds", "memory, MiB"):
        table.add_column(column, justify="right" if column else "left")
    for one in measured:
        figures = (f"{one.seconds:,.1f}", f"{one.cpu:,.1f}", f"{one.memory:,.0f}")
        table.add_row(one.what, f"{one.orders:,}", *figures)
    return table


if __name__ == "__main__":
    run(main)
