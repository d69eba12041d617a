"""Programs of the product that need no imports of their own; see ``tests/harness/warm.py``."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache

from tests.harness.children import ROOT, heed_signals
from tests.harness.warm import Program

_PROGRAMS = (("starter.py",), ("worker.py",), ("-m", "runtime"), ("-m", "runtime.codec_server"))


def can_be_forked(command: Sequence[str]) -> bool:
    """Return True if the arguments of ``python`` name a program of the product."""
    # Elsewhere a fork of a process with so many libraries is not safe.
    named = tuple(command[: 2 if command[0] == "-m" else 1])
    return sys.platform == "linux" and named in _PROGRAMS


class Forked:
    """A running program; it can do what the tests need of :class:`subprocess.Popen`.

    Args:
        streams: file descriptors of its standard input, output and error.
    """

    def __init__(
        self, arguments: Sequence[str], env: Mapping[str, str], streams: Sequence[int]
    ) -> None:
        self._keeper, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(_warm_process()[0], [b"."], [theirs.fileno(), *streams])
        self._keeper.sendall(pickle.dumps(Program(list(arguments), dict(env))))
        self._told = self._keeper.makefile("rb", buffering=0)
        self.args = arguments
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return its exit code.

        Raises:
            subprocess.TimeoutExpired: it runs for longer.
        """
        if self.returncode is None:
            self._keeper.settimeout(timeout)
            try:
                self.returncode = int(self._keeper.recv(16))
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0) from None
            self._told.close()
            self._keeper.close()
        return self.returncode

    def send_signal(self, sign: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sign)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


@cache
def _warm_process() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start the process from which programs are forked; return where to ask it for them, and it."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.warm", str(theirs.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            preexec_fn=heed_signals,
            start_new_session=True,  # Ctrl-C is for pytest, which then stops the programs
        )
    return ours, process
