"""Child processes that are watched, replaced when they die, and stopped in order."""

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

#: A process that dies this often within so many seconds will not do better next time.
DEATHS, WITHIN_SECONDS = 5, 20.0

_T = TypeVar("_T")


class ProcessFailed(FatalError):
    """A child process does not start, or keeps dying."""

    code = ExitCode.NO_SERVER


async def _at_once() -> None:
    """For processes that count as ready when they were started."""


class ChildProcess:
    """A command kept running in a process of its own, its output in a log file.

    It has a session of its own, so the terminal's Ctrl-C reaches only us, and we decide
    who stops first. Use as an async context manager.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        lock: DirectoryLock,
        environment: Mapping[str, str] | None = None,
        ready: Callable[[], Awaitable[None]] = _at_once,
        report: Callable[[str], None] = lambda _line: None,
        grace: float = 10.0,
    ) -> None:
        """Describe the process; entering the context starts it.

        Args:
            name: what it is called in messages.
            command: program and arguments.
            log: file that takes its output; begun anew on entering.
            lock: the data directory's, held by the process as long as it lives.
            environment: all its variables; ours by default.
            ready: returns when the started process does its work; may raise.
            report: is told in one line when the process died and another one takes over.
            grace: seconds that it gets to stop by itself before it is killed.
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
        """Id of the process that runs now; None when none does."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    async def __aenter__(self) -> Self:
        """Start it and wait until it is ready.

        Raises:
            ProcessFailed: it ended before it was, or its log cannot be written.
        """
        try:
            self._log.begin_anew()
        except OSError as error:
            raise ProcessFailed(f"cannot write {self._log.path}: {error.strerror}") from None
        await self._resume()
        self._loss = asyncio.get_running_loop().create_future()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it: asked first, killed when that takes too long; a cancel does not hurry it."""
        await to_its_end(self._halt())
        if self._loss is not None and not self._loss.cancel():
            self._loss.exception()  # else asyncio warns when nobody had asked for it

    async def restart(self) -> None:
        """Stop it, and start it anew with the same command."""
        await self._halt()
        await self._resume()

    async def lost(self) -> None:
        """Return never; raise :class:`ProcessFailed` once the process cannot be kept alive."""
        if self._loss is None:
            raise RuntimeError(f"{self.name} was not started")
        await asyncio.shield(self._loss)

    def output(self) -> str:
        """Return what the process that runs now, or ran last, has written."""
        return self._log.output()

    def last_words(self) -> str:
        """Return the last line that the process wrote, shortened; empty when it wrote none."""
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
    """Await ``work``, but give it up when one of the processes cannot be kept alive.

    Raises:
        ProcessFailed: that happened; ``work`` was cancelled.
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
        # The whole session: what the process started itself goes with it.
        os.killpg(process.pid, sign)
