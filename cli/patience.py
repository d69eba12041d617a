"""Patience with a server that is being started again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.service import RPCError, RPCStatusCode

_T = TypeVar("_T")

#: Seconds that a server may be away before we give up on it.
PATIENCE = 300.0
_PAUSE = 0.5
#: Seconds after which a call that fails had a server to wait for.
_LONG = 30.0
#: What a server says, or does not, while it goes down or comes up.
_PASSING = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.INTERNAL,
    RPCStatusCode.ABORTED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
}


async def patiently(call: Callable[[], Awaitable[_T]]) -> _T:
    """Make the call again until the server answers; the call must bear being repeated.

    Raises:
        RPCError: a definite no, or no answer for five minutes.
    """
    failing_since: float | None = None
    while True:
        asked = time.monotonic()
        try:
            return await call()
        except RPCError as error:
            # A call may wait for long before it fails, so only quick failures add up.
            now = time.monotonic()
            if failing_since is None or now - asked > _LONG:
                failing_since = now
            if error.status not in _PASSING or now - failing_since > PATIENCE:
                raise
        await asyncio.sleep(_PAUSE)
