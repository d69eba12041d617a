#!/usr/bin/env python3
"""Becomes the Temporal server of the tests, with a watcher that ends it when they are gone."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress


def watch(tests: int, server: int) -> None:
    """End the server when the tests have ended, however they did; leave when it is gone itself."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    while os.getppid() == server:
        try:
            os.kill(tests, 0)
        except ProcessLookupError:
            with suppress(ProcessLookupError):
                os.kill(server, signal.SIGKILL)
            return
        time.sleep(0.5)


if __name__ == "__main__":
    tests, server = os.getppid(), os.getpid()
    if os.fork() == 0:
        watch(tests, server)
    else:
        temporal = os.environ["TESTS_TEMPORAL"]
        os.execv(temporal, [temporal, *sys.argv[1:]])
