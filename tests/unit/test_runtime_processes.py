"""Child processes: replaced when they die, given up when they keep dying, always stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.directory_lock import DirectoryLock, DirectoryUnusable
from runtime.processes import DEATHS, ChildProcess, ProcessFailed, while_alive
from tests.harness.children import is_alive

SLEEPS = "import time; print('up', flush=True); time.sleep(600)"


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[DirectoryLock]:
    lock = DirectoryLock(tmp_path)
    yield lock
    lock.release()


@pytest.fixture
def child(tmp_path: Path, lock: DirectoryLock) -> Iterator[Callable[..., ChildProcess]]:
    """Describes a child that runs a piece of Python, by default ready once it printed."""
    described_so_far: list[ChildProcess] = []

    def described(
        code: str,
        report: Callable[[str], None] = lambda _line: None,
        environment: dict[str, str] | None = None,
        prints: bool = True,
    ) -> ChildProcess:
        async def ready() -> None:
            await until(lambda: bool(process.output()) or not prints)

        process = ChildProcess(
            "the child",
            [sys.executable, "-c", code],
            log=tmp_path / "child.log",
            lock=lock,
            environment=environment,
            ready=ready,
            report=report,
            grace=0.5,
        )
        described_so_far.append(process)
        return process

    yield described
    for process in described_so_far:
        if process.pid is not None:
            os.killpg(process.pid, signal.SIGKILL)


async def until(condition: Callable[[], bool], within: float = 20) -> None:
    async def poll() -> None:
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.01)

    await asyncio.wait_for(poll(), within)


async def test_a_killed_child_is_replaced_and_it_is_said(
    child: Callable[..., ChildProcess],
) -> None:
    said: list[str] = []
    async with child(SLEEPS, said.append) as process:
        first = process.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: process.pid not in (None, first) and bool(process.output()))
        second = process.pid

    assert said == ["the child died (killed by SIGKILL); starting another one"]
    assert second is not None
    assert not is_alive(second)


async def test_a_child_that_keeps_dying_is_given_up_with_its_last_words(
    child: Callable[..., ChildProcess],
) -> None:
    said: list[str] = []
    async with child("raise SystemExit('no ledger')", said.append, prints=False) as it:
        with pytest.raises(ProcessFailed, match=f"died {DEATHS} times .* no ledger"):
            await asyncio.wait_for(it.lost(), 30)

    assert len(said) == DEATHS - 1


async def test_a_child_that_ends_before_it_is_ready_fails_the_start(
    child: Callable[..., ChildProcess],
) -> None:
    with pytest.raises(ProcessFailed, match="the child did not start: exit code 7"):
        async with child("raise SystemExit(7)"):
            pass


async def test_a_program_that_does_not_exist_fails_the_start(
    tmp_path: Path, lock: DirectoryLock
) -> None:
    missing = ChildProcess("the child", [tmp_path / "none"], log=tmp_path / "log", lock=lock)

    with pytest.raises(ProcessFailed, match="the child cannot be started"):
        async with missing:
            pass


async def test_a_log_that_cannot_be_written_fails_the_start(
    child: Callable[..., ChildProcess], tmp_path: Path
) -> None:
    (tmp_path / "child.log").mkdir()
    with pytest.raises(ProcessFailed, match=r"cannot write \S+child\.log: Is a directory"):
        async with child(SLEEPS):
            pass


async def test_a_child_that_ignores_the_request_to_stop_is_killed(
    child: Callable[..., ChildProcess],
) -> None:
    async with child(f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}") as (
        process
    ):
        pid = process.pid

    assert pid is not None
    assert not is_alive(pid)
    assert process.pid is None


@pytest.mark.parametrize("moment", [1, 2, 3, 30])
async def test_a_cancel_while_a_child_is_being_stopped_does_not_leave_it_behind(
    child: Callable[..., ChildProcess], moment: int
) -> None:
    process = child(f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}")
    await process.__aenter__()
    pid = process.pid
    assert pid is not None
    stopping = asyncio.create_task(process.__aexit__())
    for _ in range(moment):  # turns of the event loop: before and after it was asked to stop
        await asyncio.sleep(0)
    stopping.cancel()
    await asyncio.wait([stopping])

    assert not is_alive(pid)
    assert stopping.cancelled()


async def test_a_child_is_out_of_reach_of_the_terminals_interrupt(
    child: Callable[..., ChildProcess],
) -> None:
    async with child(SLEEPS) as process:
        assert process.pid is not None
        assert os.getsid(process.pid) == process.pid


async def test_a_restart_is_no_death(child: Callable[..., ChildProcess]) -> None:
    said: list[str] = []
    async with child(SLEEPS, said.append) as process:
        first = process.pid
        await while_alive(process.restart(), process)
        assert process.pid not in (None, first)

    assert said == []


async def test_work_is_given_up_when_a_child_it_needs_cannot_be_kept_alive(
    child: Callable[..., ChildProcess],
) -> None:
    tidied: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            tidied.append(True)

    async with child("raise SystemExit(1)", prints=False) as process:
        with pytest.raises(ProcessFailed):
            await asyncio.wait_for(while_alive(work(), process), 30)

    assert tidied == [True]


async def test_work_that_ends_is_what_it_returns(child: Callable[..., ChildProcess]) -> None:
    async def work() -> str:
        return "done"

    async with child(SLEEPS) as process:
        assert await while_alive(work(), process) == "done"


async def test_a_child_has_the_given_variables_and_no_others(
    child: Callable[..., ChildProcess],
) -> None:
    code = f"import os; print(os.environ.get('HOME'), os.environ['GIVEN'], flush=True); {SLEEPS}"

    async with child(code, environment={"GIVEN": "x"}) as process:
        assert process.output().startswith("None x")


async def test_a_child_that_outlives_us_still_holds_the_directory(
    child: Callable[..., ChildProcess], tmp_path: Path, lock: DirectoryLock
) -> None:
    async with child(SLEEPS) as process:
        os.close(lock.fileno())  # as our death by kill -9 would
        with pytest.raises(DirectoryUnusable) as taken:
            DirectoryLock(tmp_path)
        assert f" {process.pid})" in str(taken.value)
        lock._file = os.open(tmp_path / "lock", os.O_RDWR)

    DirectoryLock(tmp_path).release()
