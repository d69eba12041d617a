"""Heartbeat of open ledgers: each notes every few seconds that it is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.mock import Services
from services.openings import SEEN_WITHIN

#: Seconds between two notes: a third of the time after which a worker cannot vouch for the ledger.
_INTERVAL = SEEN_WITHIN / 3


@asynccontextmanager
async def kept_open(services: Services) -> AsyncIterator[None]:
    """Note in each ledger that it is open, again and again until the context ends."""
    heartbeat = asyncio.create_task(_heartbeat(services))
    try:
        yield
    finally:
        heartbeat.cancel()
        await asyncio.gather(heartbeat, return_exceptions=True)


async def _heartbeat(services: Services) -> None:
    while True:
        await asyncio.sleep(_INTERVAL)
        await asyncio.to_thread(services.still_open)
