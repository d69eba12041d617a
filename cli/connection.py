"""Connection of a command to Temporal, and to workers that can read what it sends."""

from __future__ import annotations

from temporalio.client import Client

from runtime.client import connect
from runtime.shared_keys import ensure_shared_key
from settings import Settings


async def connected(settings: Settings) -> Client:
    """Connect with the keys of the settings.

    Raises:
        FatalError: the connection or a key is missing or wrong; see :func:`connect`,
            :meth:`Settings.keys` and :func:`ensure_shared_key`.
    """
    client = await connect(settings.keys())
    await ensure_shared_key(client, settings.task_queue)
    return client
