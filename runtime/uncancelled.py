"""Work that continues when the task that awaits it is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


async def to_its_end(work: Coroutine[object, object, None]) -> None:
    """Await ``work`` to its end, and only then pass on a cancel that arrived in the meantime."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
