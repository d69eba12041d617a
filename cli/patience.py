"""Retries of calls while the server is being restarted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.service import RPCError, RPCStatusCode

_T = TypeVar("_T")

#: Seconds to wait for a server that does not answer.
PATIENCE = 300.0
_PAUSE = 0.5
#: Seconds after which a failed call counts as one that the server had accepted.
_LONG = 30.0
#: Errors of a server that is stopping or starting.
_TRANSIENT = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.INTERNAL,
    RPCStatusCode.ABORTED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
}


async def patiently(call: Callable[[], Awaitable[_T]]) -> _T:
    """Repeat an idempotent call until the server answers.

    Raises:
        RPCError: the server refused the call, or did not answer for five minutes.
    """
    failing_since: float | None = None
    while True:
        asked = time.monotonic()
        try:
            return await call()
        except RPCError as error:
            # A call may wait long before it fails, so only quick failures add up.
            now = time.monotonic()
            if failing_since is None or now - asked > _LONG:
                failing_since = now
            if error.status not in _TRANSIENT or now - failing_since > PATIENCE:
                raise
        await asyncio.sleep(_PAUSE)
