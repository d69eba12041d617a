"""Waits for what comes at some moment or other, and never longer than a test has patience."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

#: Real seconds after which what a test waits for counts as never coming.
PATIENCE = 100.0


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for an async condition to hold.

    Raises:
        TimeoutError: it did not hold in time.
    """
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError("what the test waited for never came")
        await asyncio.sleep(0.02)


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition is true.

    Raises:
        TimeoutError: it did not become true in time.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} never came")
        time.sleep(0.05)
