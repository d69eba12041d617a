#!/usr/bin/env python3
"""Runs the Temporal server for the tests, and ends it when they are gone, however they ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

TESTS = os.getppid()


def main() -> int:
    """Run the server with the given arguments to its end."""
    server = subprocess.Popen([os.environ["TESTS_TEMPORAL"], *sys.argv[1:]])
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: server.terminate())
    while server.poll() is None:
        if os.getppid() != TESTS:
            server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(1)
    return server.returncode


if __name__ == "__main__":
    sys.exit(main())
