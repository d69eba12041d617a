"""Free ports on this machine, for servers of this project that start at the same time."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Tell whether a server can listen at the port."""
    with socket.socket() as probe:
        # The server does so, too: a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def any_free() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def one_at_a_time() -> AsyncIterator[None]:
    """Prevent other servers of this project on this machine from starting in the meantime.

    Otherwise two of them could choose the same free port. One would get it, and the other
    would take the answers of the first for its own.
    """
    with (Path(tempfile.gettempdir()) / f"order-saga-{os.getuid()}.ports").open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.05)
        yield
