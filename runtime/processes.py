"""Child processes that are supervised, replaced when they die, and stopped in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from typing_extensions import Self

from runtime.directory_lock import DirectoryLock
from runtime.exits import ExitCode, FatalError
from runtime.process_log import ProcessLog
from runtime.uncancelled import to_its_end

#: A process that dies so often within so many seconds is given up.
DEATHS, WITHIN_SECONDS = 5, 20.0

_T = TypeVar("_T")


class ProcessFailed(FatalError):
    """A child process does not start, or keeps dying."""

    code = ExitCode.NO_SERVER


async def _ready_at_once() -> None:
    """Return at once, for a process that counts as ready as soon as it is started."""


class ChildProcess:
    """Command that is kept running in a child process, with its output in a log file.

    The child has its own session, so Ctrl-C in the terminal reaches only this process, which
    decides what stops first. Use it as an async context manager.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        lock: DirectoryLock,
        environment: Mapping[str, str] | None = None,
        ready: Callable[[], Awaitable[None]] = _ready_at_once,
        report: Callable[[str], None] = lambda _line: None,
        grace: float = 10.0,
    ) -> None:
        """Describe the process; entering the context starts it.

        Args:
            name: name of the process in messages.
            command: program and arguments.
            log: file for its output; entering the context empties it.
            lock: lock of the data directory, which the process holds as long as it runs.
            environment: all its variables; by default those of this process.
            ready: waits until the started process is ready; may raise.
            report: receives one line when the process died and is replaced.
            grace: seconds that it has to stop by itself before it is killed.
        """
        self.name = name
        self._command = [str(part) for part in command]
        self._log = ProcessLog(log)
        self._lock = lock
        self._environment = dict(os.environ if environment is None else environment)
        self._ready = ready
        self._report = report
        self._grace = grace
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._loss: asyncio.Future[None] | None = None

    @property
    def pid(self) -> int | None:
        """Id of the running process; None when no process runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    async def __aenter__(self) -> Self:
        """Start the process and wait until it is ready.

        Raises:
            ProcessFailed: it ended before it was ready, or its log cannot be written.
        """
        try:
            self._log.clear()
        except OSError as error:
            raise ProcessFailed(f"cannot write {self._log.path}: {error.strerror}") from None
        await self._resume()
        self._loss = asyncio.get_running_loop().create_future()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ask the process to stop, then kill it; a cancel does not shorten the wait."""
        await to_its_end(self._halt())
        if self._loss is not None and not self._loss.cancel():
            self._loss.exception()  # otherwise asyncio warns that nobody read the exception

    async def restart(self) -> None:
        """Stop the process, and start it again with the same command."""
        await self._halt()
        await self._resume()

    async def lost(self) -> None:
        """Wait until the process cannot be kept alive, then raise :class:`ProcessFailed`."""
        if self._loss is None:
            raise RuntimeError(f"{self.name} was not started")
        await asyncio.shield(self._loss)

    def output(self) -> str:
        """Return the output of the process that runs now or ran last."""
        return self._log.output()

    def last_words(self) -> str:
        """Return the last line of the output, shortened; empty when there is no output."""
        return self._log.last_words()

    async def _resume(self) -> None:
        try:
            await self._start()
        except BaseException:
            await to_its_end(self._stop())
            raise
        self._keeper = asyncio.create_task(self._keep(), name=f"keeper of {self.name}")

    async def _halt(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            self._keeper = None
        await self._stop()

    async def _start(self) -> None:
        try:
            with self._log.of_next_process() as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self._environment,
                    start_new_session=True,
                    pass_fds=(self._lock.fileno(),),
                )
        except OSError as error:
            raise ProcessFailed(f"{self.name} cannot be started: {error}") from None
        self._lock.record(self._process.pid)
        ready = asyncio.ensure_future(self._ready())
        death = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait([ready, death], return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                raise ProcessFailed(f"{self.name} did not start: {self._how_it_ended()}")
            await ready
        finally:
            ready.cancel()
            death.cancel()

    async def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            _signal(process, signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), self._grace)
            except asyncio.TimeoutError:
                _signal(process, signal.SIGKILL)
                await process.wait()
        self._lock.forget(process.pid)

    async def _keep(self) -> None:
        deaths: deque[float] = deque(maxlen=DEATHS)
        while self._process is not None:
            await self._process.wait()
            self._lock.forget(self._process.pid)
            deaths.append(time.monotonic())
            ended = self._how_it_ended()
            if len(deaths) == DEATHS and deaths[-1] - deaths[0] < WITHIN_SECONDS:
                self._give_up(f"{self.name} died {DEATHS} times in a row: {ended}")
                return
            self._report(f"{self.name} died ({ended}); starting another one")
            try:
                await self._start()
            except ProcessFailed:
                await self._stop()

    def _give_up(self, why: str) -> None:
        if self._loss is not None and not self._loss.done():
            self._loss.set_exception(ProcessFailed(why))

    def _how_it_ended(self) -> str:
        code = self._process.returncode if self._process is not None else None
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}, {self._log.last_words() or self._log.why_silent()}"


async def while_alive(work: Coroutine[object, object, _T], *processes: ChildProcess) -> _T:
    """Await ``work``, but cancel it when one of the processes cannot be kept alive.

    Raises:
        ProcessFailed: a process could not be kept alive, so ``work`` was cancelled.
    """
    task = asyncio.create_task(work)
    losses = [asyncio.create_task(process.lost()) for process in processes]
    try:
        await asyncio.wait([task, *losses], return_when=asyncio.FIRST_COMPLETED)
        for loss in losses:
            if loss.done():
                await loss
        return await task
    finally:
        for pending in (task, *losses):
            pending.cancel()
        await asyncio.gather(task, *losses, return_exceptions=True)


def _signal(process: asyncio.subprocess.Process, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        # The whole process group, so that the children of the process stop as well.
        os.killpg(process.pid, sign)
