"""Ledgers that are kept open, and say so themselves again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.identity import SEEN_WITHIN
from services.mock import Services

#: Seconds; a third of what counts as a gap.
_STILL_OPEN_EVERY = SEEN_WITHIN / 3


@asynccontextmanager
async def kept_open(services: Services) -> AsyncIterator[None]:
    """Say in each ledger, until the context ends, that it is open without a gap."""
    saying = asyncio.create_task(_keep_saying(services))
    try:
        yield
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)


async def _keep_saying(services: Services) -> None:
    while True:
        await asyncio.sleep(_STILL_OPEN_EVERY)
        await asyncio.to_thread(services.still_open)
