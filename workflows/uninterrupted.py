"""Work that goes on when the workflow is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from temporalio import workflow

_T = TypeVar("_T")


async def finish(task: asyncio.Task[_T], on_cancel: Callable[[], None] = lambda: None) -> _T:
    """Wait until the task ends by itself, however often the workflow is cancelled.

    ``await asyncio.shield(task)`` is not enough: the first cancel ends that wait, the workflow
    closes, and the task stops halfway through the compensations.

    Args:
        on_cancel: is called on each cancel.
    """
    await until(task.done, on_cancel)
    return task.result()


async def until(
    condition: Callable[[], bool], on_cancel: Callable[[], None] = lambda: None
) -> None:
    """Wait for a condition in the same way."""
    while not condition():
        try:
            await workflow.wait_condition(condition)
        except asyncio.CancelledError:
            on_cancel()
