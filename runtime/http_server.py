"""HTTP server for the small web applications of this program."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from runtime.exits import FatalError


class _Server(uvicorn.Server):
    """Server that leaves the signals to the program."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See base class."""
        yield


def http_server(app: Starlette) -> uvicorn.Server:
    """Return a server of the application; it stops when its ``should_exit`` is set."""
    # A log of requests would contain the codec server's token, which is in the path.
    return _Server(uvicorn.Config(app, access_log=False, log_level="warning"))


def listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        FatalError: the address is in use, or is none of this machine.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a port"
        raise FatalError(f"cannot listen on {host}:{port}: {reason}") from None
