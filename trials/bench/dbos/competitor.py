"""DBOS as a variant of the bench: a process in an environment of its own.

It gets each order as a line of JSON, and says in another line how the order ended. See
:mod:`trials.bench.dbos.orders`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from messages.orders import Order
from runtime.exits import FatalError
from runtime.process_log import ProcessLog
from runtime.processes import ProcessFailed
from runtime.programs import ROOT
from settings import Settings
from tests.harness.postgres import PostgresServer
from trials.bench.machine import cpu_of, cpu_of_tree

#: Python of the environment that ``make bench-dbos`` builds.
PYTHON = ROOT / ".venv-dbos" / "bin" / "python"
_READY_WITHIN = 60.0
_GRACE = 30.0


class Kind(NamedTuple):
    """One column of the table."""

    name: str
    #: Whether its SQLite database has the settings that our embedded server gives its own.
    tuned: bool = False

    @property
    def slug(self) -> str:
        """A name for ids and folders."""
        return self.name.lower().replace(", ", "-").replace(" ", "-")


AS_DELIVERED = Kind("DBOS, as delivered")
TUNED = Kind("DBOS, tuned", tuned=True)
POSTGRES = Kind("DBOS, PostgreSQL")


class Competitor:
    """DBOS that runs."""

    def __init__(
        self,
        kind: Kind,
        ledgers: Mapping[str, str],
        process: Process,
        log: ProcessLog,
        server: PostgresServer | None,
    ) -> None:
        self.name = kind.name
        self.slug = kind.slug
        self.ledgers = ledgers
        self.ended: Counter[str] = Counter()
        self.version = ""
        self._process = process
        self._orders, self._answers = _pipes(process)
        self._log = log
        self._server = server
        self._waiting: dict[str, asyncio.Future[bool]] = {}
        #: No more answers will come.
        self._over = False

    @property
    def pid(self) -> int:
        """Id of its process."""
        return self._process.pid

    async def start(self) -> None:
        """Wait until it takes orders.

        Raises:
            ProcessFailed: it ended, or took too long.
        """
        try:
            said = await asyncio.wait_for(self._answers.readline(), _READY_WITHIN)
        except asyncio.TimeoutError:
            said = b""
        if not said:
            raise ProcessFailed(f"{self.name} does not start: {self._log.last_words()}")
        self.version = json.loads(said)["version"]

    async def refuses(self, order: Order) -> bool:
        """Place an order, wait for its end, and tell whether it was refused.

        Raises:
            ProcessFailed: DBOS died.
        """
        if self._over:
            raise self._dead()
        end: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[order.order_id] = end
        self._orders.write(order.model_dump_json().encode() + b"\n")
        return await end

    async def quiet(self) -> None:
        """Return at once: when an order has ended, nothing of it is running any more."""

    def cpu(self) -> tuple[float, float]:
        """Return the CPU time of its database's server, if it has one, and of its process.

        Raises:
            ProcessFailed: DBOS died.
        """
        try:
            own = cpu_of(self.pid)
        except OSError:
            raise self._dead() from None
        return cpu_of_tree(self._server.pid) if self._server else 0.0, own

    async def listen(self) -> None:
        """Pass the answers on until there are no more."""
        try:
            async for line in self._answers:
                told = json.loads(line)
                self._waiting.pop(told["order_id"]).set_result(told["refused"])
        finally:
            self._over = True
            for end in self._waiting.values():
                if not end.done():
                    end.set_exception(self._dead())

    async def stop(self) -> None:
        """Let it end by itself."""
        self._orders.close()
        await asyncio.wait_for(self._process.wait(), _GRACE)

    def _dead(self) -> ProcessFailed:
        return ProcessFailed(f"{self.name} died: {self._log.last_words()}")


@asynccontextmanager
async def competing(
    kind: Kind, folder: Path, server: PostgresServer | None = None
) -> AsyncIterator[Competitor]:
    """Run DBOS.

    Args:
        folder: directory of its database, ledgers and log, as an absolute path.
        server: where the database is; None for SQLite.

    Raises:
        FatalError: its environment is missing.
        ProcessFailed: it does not start.
    """
    if not PYTHON.exists():
        raise FatalError(f"there is no {PYTHON}: make bench-dbos installs it")
    ledgers = Settings(data_dir=folder).ledger_urls()
    asked = {
        "database": server.empty_database("dbos") if server else f"sqlite:///{folder / 'dbos.db'}",
        "tuned": kind.tuned,
        "ledgers": dict(ledgers),
    }
    log = _log(folder)
    with log.of_next_process() as output:
        process = await asyncio.create_subprocess_exec(
            *(PYTHON, "-m", "trials.bench.dbos.orders"),
            json.dumps(asked),
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if not k.startswith(("DBOS", "PYTHON"))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
        )
    competitor = Competitor(kind, ledgers, process, log, server)
    listening: asyncio.Task[None] | None = None
    try:
        await competitor.start()
        listening = asyncio.create_task(competitor.listen())
        yield competitor
        await competitor.stop()
        await listening
    finally:
        if listening is not None:
            listening.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()


def _log(folder: Path) -> ProcessLog:
    folder.mkdir()
    return ProcessLog(folder / "dbos.log")


def _pipes(process: Process) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
    if process.stdin is None or process.stdout is None:
        raise TypeError("a process without pipes cannot be talked to")
    return process.stdin, process.stdout
