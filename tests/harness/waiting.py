"""Waits for what comes at some moment or other, and never longer than a test has patience."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

from temporalio.worker import Worker

#: Real seconds after which what a test waits for counts as never coming.
PATIENCE = 100.0


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for an async condition to hold.

    Raises:
        TimeoutError: it did not hold in time.
    """
    pauses = _pauses("what the test waited for", longest=0.1)
    while not await condition():  # noqa: ASYNC110 - of most conditions nobody is told
        await asyncio.sleep(next(pauses))


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition is true.

    Raises:
        TimeoutError: it did not become true in time.
    """
    # Longer, since many a look is a program that is started.
    pauses = _pauses(what, longest=0.5)
    while not condition():
        time.sleep(next(pauses))


def patient(worker: Worker) -> Worker:
    """Let workflow tasks wait for their turn; the SDK takes one of two seconds for a deadlock."""
    if worker._workflow_worker is not None:
        worker._workflow_worker._deadlock_timeout_seconds = int(PATIENCE)
    return worker


def _pauses(what: str, longest: float) -> Iterator[float]:
    """Generate the seconds between two looks, which grow, since each look takes CPU time."""
    deadline, pause = time.monotonic() + PATIENCE, 0.02
    while time.monotonic() < deadline:
        yield pause
        pause = min(pause * 1.3, longest)
    raise TimeoutError(f"{what} never came")
