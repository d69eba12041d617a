"""Embedded Temporal server: the development server as a child process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from temporalio.client import Client
from typing_extensions import Self

from messages.wire import SAGA_STATUS
from runtime.client import NoServer, open_client
from runtime.directory_lock import DirectoryLock
from runtime.encryption import NO_KEYS, Keys
from runtime.free_ports import HOST, any_free, is_free, one_at_a_time
from runtime.processes import ChildProcess, ProcessFailed
from runtime.temporal_program import ServerFailed, find_binary
from runtime.visibility_indexes import drop_unused_indexes

DEFAULT_PORT = 7233
#: Seconds that the server may take to answer.
READY_WITHIN = 60.0

# With exact timers, the server reads more than three times for those of one second. By default it
# takes that for a reader that is stuck, and leaves them to a slower one, which was minutes behind
# under load. Later versions count otherwise (https://github.com/temporalio/temporal/pull/11554).
#: Settings without which the development server polls the queue of its only shard 20 times a
#: second, and rounds timers up to a second.
PROMPT_QUEUES = (
    "history.transferProcessorMaxPollRPS=2000",
    'history.timerProcessorMaxTimeShift="5ms"',
    "history.queueReaderStuckCriticalAttempts=1000000",
)


def dynamic(*values: str) -> tuple[str, ...]:
    """Return the options by which a development server takes these dynamic settings."""
    return tuple(flag for value in values for flag in ("--dynamic-config-value", value))


# By default the server also waits for the disk at every step, and deletes a run up to a minute
# late. And whatever it does fails while another program holds the database, such as a backup, or
# the one that drops indexes.
#: Options of ``temporal server start-dev`` for our embedded server.
TUNING = (
    *("--sqlite-pragma", "journal_mode=WAL"),
    *("--sqlite-pragma", "synchronous=NORMAL"),
    *("--sqlite-pragma", "busy_timeout=10000"),  # milliseconds
    *dynamic(
        *PROMPT_QUEUES,
        'history.transferProcessorUpdateAckInterval="1s"',
        'history.visibilityProcessorUpdateAckInterval="1s"',
    ),
)


class DevServer:
    """Temporal server with Web UI, on loopback, whose state is kept in a data directory.

    Use it as an async context manager. The server is restarted when it dies. Only one instance
    at a time can use a directory.
    """

    #: Lock held as long as the server runs, to be shared by other children that use the directory.
    lock: DirectoryLock
    #: The running server; its ``lost()`` raises when it cannot be kept alive.
    process: ChildProcess

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        ui_port: int | None = None,
        report: Callable[[str], None] = lambda _line: None,
        as_delivered: bool = False,
    ) -> None:
        """Describe the server; entering the context starts it.

        Args:
            data_dir: directory of its database and log; it is created if it is missing.
            port: port of the gRPC front end. None: 7233, or a free port if that is in use.
            ui_port: port of the Web UI. None: ``port`` + 1000, or a free port if that is in use.
            report: receives one line about another port or about a restart.
            as_delivered: without what makes it faster, to compare.
        """
        self._data_dir = data_dir.resolve()
        self._asked_port = port
        self._asked_ui_port = ui_port
        self._report = report
        self._as_delivered = as_delivered
        self._stack = AsyncExitStack()
        self.port = port or DEFAULT_PORT
        self.ui_port = ui_port or DEFAULT_PORT + 1000

    @property
    def _database(self) -> Path:
        return self._data_dir / "temporal.db"

    @property
    def address(self) -> str:
        """``host:port`` of the gRPC front end."""
        return f"{HOST}:{self.port}"

    @property
    def ui_url(self) -> str:
        """Address of the Web UI, for a browser."""
        return f"http://{HOST}:{self.ui_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which a child process connects to this server and no other."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TEMPORAL_")}
        return {**inherited, "TEMPORAL_ADDRESS": self.address, "TEMPORAL_CONFIG_FILE": os.devnull}

    async def __aenter__(self) -> Self:
        """Start the server, and wait until it answers.

        Raises:
            DirectoryUnusable: another instance uses the directory, or it is not writable.
            ServerFailed: a port that was asked for is in use, or the server does not start.
        """
        async with AsyncExitStack() as stack:
            self.lock = DirectoryLock(self._data_dir)
            stack.callback(self.lock.release)
            binary = await find_binary(self._data_dir)
            async with one_at_a_time():
                await self._start(binary, stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the server."""
        await self._stack.aclose()

    async def client(self, keys: Keys = NO_KEYS) -> Client:
        """Return a client of this server, whatever server the environment names."""
        return await open_client({"target_host": self.address}, keys)

    async def restart(self) -> None:
        """Restart the server with the same ports and database."""
        await self.process.restart()

    async def _start(self, binary: Path, stack: AsyncExitStack) -> None:
        for more_tries in (True, True, False):
            self._choose_ports()
            self.process = self._described(binary)
            try:
                await stack.enter_async_context(self.process)
                break
            except ProcessFailed as error:
                # Another process took a port that was free before, or one of the ports that the
                # server chooses itself. The server reports the latter by a panic.
                said = f"{error} {self.process.output()}"
                port_taken = "address already in use" in said or "goroutine " in said
                if not (more_tries and port_taken):
                    raise ServerFailed(_explained(str(error), self._data_dir)) from None
        if not self._as_delivered:
            await asyncio.to_thread(drop_unused_indexes, self._database)

    def _described(self, binary: Path) -> ChildProcess:
        command: list[str | Path] = [binary, "server", "start-dev"]
        command += ["--ip", HOST, "--port", str(self.port), "--ui-port", str(self.ui_port)]
        command += ["--db-filename", self._database]
        command += ["--search-attribute", f"{SAGA_STATUS}=Keyword", "--log-level", "error"]
        return ChildProcess(
            "the Temporal server",
            [*command, *(() if self._as_delivered else TUNING)],
            log=self._data_dir / "temporal.log",
            lock=self.lock,
            ready=self._ready,
            report=self._report,
        )

    async def _ready(self) -> None:
        try:
            await asyncio.wait_for(self._answers(), READY_WITHIN)
        except asyncio.TimeoutError:
            raise ProcessFailed(
                f"the Temporal server does not answer at {self.address} after {READY_WITHIN:g} s:"
                f" {self.process.last_words()}"
            ) from None

    async def _answers(self) -> None:
        while True:
            try:
                # An answer alone could come from another server that took the port. Our server
                # prints its addresses when it has all of its ports.
                if "Server:" in self.process.output():
                    await self.client()
                    return
            except NoServer:
                pass
            await asyncio.sleep(0.02)

    def _choose_ports(self) -> None:
        self.port = self._free("--port", self._asked_port, DEFAULT_PORT)
        self.ui_port = self._free("--ui-port", self._asked_ui_port, self.port + 1000)

    def _free(self, option: str, asked: int | None, usual: int) -> int:
        if asked is not None:
            if not is_free(asked):
                raise ServerFailed(f"port {asked} is in use; choose another one with {option}")
            return asked
        if usual <= 65535 and is_free(usual):
            return usual
        free = any_free()
        self._report(
            f"port {usual} is in use, so the server uses {free} ({option} chooses another)"
        )
        return free


#: Parts of the server's last line, each with the cause or remedy.
_REMEDIES = (
    ("disk is full", "the disk is full"),
    ("no space left", "the disk is full"),
    ("not a database", "its database {data_dir}/temporal.db is damaged; move it away"),
    ("malformed", "its database {data_dir}/temporal.db is damaged; move it away"),
    ("readonly database", "its database {data_dir}/temporal.db cannot be written to"),
)


def _explained(failure: str, data_dir: Path) -> str:
    for sign, remedy in _REMEDIES:
        if sign in failure:
            return f"{remedy.format(data_dir=data_dir)} ({failure})"
    return failure
