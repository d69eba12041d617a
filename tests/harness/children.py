"""Child processes of tests: begun as from a terminal, whoever runs the tests."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.harness.waiting import PATIENCE

ROOT = Path(__file__).parents[2]

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def heed_signals() -> None:
    """Give up what was ignored on behalf of the tests; to be called in the child, before exec.

    A shell has interrupts ignored by what it runs in the background, nohup has the terminal's
    end ignored. Both are inherited by children, and our programs respect them.
    """
    for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(sign, signal.SIG_DFL)
    end_with_parent()


def end_with_parent() -> None:
    """Be told to stop when the tests are gone, however they ended; likewise before exec."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def ended(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a Python program to its end, by default in the project's root; keep what it says."""
    options = {"timeout": 2 * PATIENCE, "preexec_fn": heed_signals, "cwd": ROOT, **options}
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def is_alive(pid: int) -> bool:
    """Return True if there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def processes() -> list[tuple[int, int, str]]:
    """Return id, parent's id and state of each process on this machine."""
    ps = ["ps", "-A", "-o", "pid=,ppid=,stat="]
    listed = subprocess.run(ps, capture_output=True, text=True, check=True).stdout.splitlines()
    return [(int(pid), int(parent), state) for pid, parent, state in map(str.split, listed)]


def holders(data_dir: Path) -> list[int]:
    """Return the processes that the lock on a data directory names; none when nobody holds it."""
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
