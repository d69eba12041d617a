"""Work that a cancel of the workflow does not end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from temporalio import workflow

_T = TypeVar("_T")


async def finish(task: asyncio.Task[_T], on_cancel: Callable[[], None] = lambda: None) -> _T:
    """Wait for the task to end by itself, however often this workflow is cancelled.

    Awaiting it, even shielded, would hand the first cancel to whoever waits, and the rest of
    the work would go on unwatched.
    """
    while not task.done():
        try:
            await workflow.wait_condition(task.done)
        except asyncio.CancelledError:
            on_cancel()
    return task.result()
