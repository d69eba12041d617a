"""Heartbeat of open ledgers: each notes every few seconds that it is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
    heartbeat = asyncio.create_task(_heartbeat(services))
    try:
        yield
    finally:
        heartbeat.cancel()
        await asyncio.gather(heartbeat, return_exceptions=True)


async def _heartbeat(services: Services) -> None:
    told: set[str] = set()
    while True:
        await asyncio.sleep(_INTERVAL)
        failures = await asyncio.to_thread(services.still_open)
        for service in failures.keys() - told:
            logger.warning("the %s ledger cannot be written: %s", service, failures[service])
        told = set(failures)
