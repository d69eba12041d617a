"""Child processes of tests: begun as from a terminal, whoever runs the tests."""

from __future__ import annotations

import fcntl
import os
import signal
from contextlib import suppress
from pathlib import Path


def heed_signals() -> None:
    """Give up what was ignored on behalf of the tests; to be called in the child, before exec.

    A shell has interrupts ignored by what it runs in the background, nohup has the terminal's
    end ignored. Both are inherited by children, and our programs respect them.
    """
    for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(sign, signal.SIG_DFL)


def holders(data_dir: Path) -> list[int]:
    """The processes that the lock on a data directory names; none when nobody holds it."""
    try:
        file = (data_dir / "lock").open()
    except OSError:
        return []
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return [int(pid) for pid in file.read().split()]
    return []


def kill_holders(data_dir: Path) -> None:
    """End what a test that failed may have left behind; to be called when all else is stopped."""
    for pid in set(holders(data_dir)) - {os.getpid()}:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
