"""Lock that lets only one instance at a time use a data directory."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from runtime.exits import FatalError


class DirectoryUnusable(FatalError):
    """The data directory cannot be written to, or another instance uses it."""


class DirectoryLock:
    """Lock on a directory, held by this process and by every child that inherits the descriptor.

    Children that outlive a killed parent still hold it, so no other process opens their files.
    The lock file lists the processes, which the error message for other instances names.
    """

    def __init__(self, directory: Path) -> None:
        """Take the lock, and create the directory if it does not exist.

        Raises:
            DirectoryUnusable: another instance holds it, or the directory cannot be written to.
        """
        self._pids: list[int] = [os.getpid()]
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise _unusable(directory, error) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write()
        except BlockingIOError:
            holders = " ".join(str(pid) for pid in self._recorded() if _is_alive(pid))
            os.close(self._file)
            raise DirectoryUnusable(
                f"another instance uses the data directory {directory}: stop it first"
                f" (kill {holders or '…'}), or choose another directory"
                " (ORDER_SAGA_DATA_DIR)"
            ) from None
        except OSError as error:
            os.close(self._file)
            raise _unusable(directory, error) from None

    def fileno(self) -> int:
        """Return the descriptor that a child must inherit to hold the lock as well."""
        return self._file

    def record(self, pid: int) -> None:
        """Add a process to the list of those that hold the lock."""
        self._pids.append(pid)
        self._rewrite()

    def forget(self, pid: int) -> None:
        """Remove a process from the list, if it is there."""
        if pid in self._pids:
            self._pids.remove(pid)
            self._rewrite()

    def release(self) -> None:
        """Release the lock; children that inherited it still hold it."""
        os.close(self._file)

    def _rewrite(self) -> None:
        # The list only improves an error message. If a full disk prevents the update, this
        # process, which supervises the others, must go on.
        with suppress(OSError):
            self._write()

    def _write(self) -> None:
        names = "".join(f"{pid}\n" for pid in self._pids).encode()
        # Truncated last: if the file were emptied first, a full disk might leave it empty.
        os.pwrite(self._file, names, 0)
        os.ftruncate(self._file, len(names))

    def _recorded(self) -> list[int]:
        return [int(line) for line in os.pread(self._file, 4096, 0).split() if line.isdigit()]


def _unusable(directory: Path, error: OSError) -> DirectoryUnusable:
    return DirectoryUnusable(f"cannot use the data directory {directory}: {error.strerror}")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
