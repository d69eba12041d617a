"""Heartbeat of open ledgers: each notes every few seconds that it is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from services.ledger import LedgerUnavailable
from services.mock import Services
from services.openings import SEEN_WITHIN

logger = logging.getLogger(__name__)

#: Seconds between two notes: a third of the time after which a worker cannot vouch for the ledger.
_INTERVAL = SEEN_WITHIN / 3


@asynccontextmanager
async def kept_open(services: Services) -> AsyncIterator[None]:
    """Note in each ledger that it is open, again and again until the context ends.

    The log tells of a ledger that cannot be written, also while no order needs it.
    """
    # Each on its own, because a database that hangs must not delay the notes in the others.
    heartbeats = [asyncio.create_task(_heartbeat(*each)) for each in services.notes().items()]
    try:
        yield
    finally:
        for heartbeat in heartbeats:
            heartbeat.cancel()
        await asyncio.gather(*heartbeats, return_exceptions=True)


async def _heartbeat(service: str, note: Callable[[], None]) -> None:
    failing = False
    while True:
        await asyncio.sleep(_INTERVAL)
        try:
            await asyncio.to_thread(note)
        except LedgerUnavailable as error:
            if not failing:
                logger.warning("the %s ledger cannot be written: %s", service, error)
            failing = True
        else:
            failing = False
