"""Free ports on this machine, for servers of ours that may start at the same moment."""

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
        # As the server does; a port that only lingers after a connection counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def any_free() -> int:
    """Return some free port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def one_at_a_time() -> AsyncIterator[None]:
    """Keep other servers of ours on this machine from starting meanwhile.

    A port that two of them find free at the same moment is taken by one. The other would wait
    for an answer there, and get the first one's.
    """
    with (Path(tempfile.gettempdir()) / f"order-saga-{os.getuid()}.ports").open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.05)
        yield
