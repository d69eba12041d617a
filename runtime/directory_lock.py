"""One user of a data directory at a time."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from runtime.exits import FatalError


class DirectoryUnusable(FatalError):
    """The data directory cannot be written to, or another instance uses it."""


class DirectoryLock:
    """Holds a directory for this process and for every child that inherits the descriptor.

    So children that outlive a killed parent still hold it: nobody opens their files a
    second time. The lock file names the processes, for the message to whom it stops.
    """

    def __init__(self, directory: Path) -> None:
        """Take the lock, creating the directory where it does not exist.

        Raises:
            DirectoryUnusable: it is taken, or the directory cannot be written to.
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
        """The descriptor that a child has to inherit to hold the lock as well."""
        return self._file

    def record(self, pid: int) -> None:
        """Name a process that holds the lock now."""
        self._pids.append(pid)
        self._rewrite()

    def forget(self, pid: int) -> None:
        """Take back :meth:`record`; no matter whether it was called."""
        if pid in self._pids:
            self._pids.remove(pid)
            self._rewrite()

    def release(self) -> None:
        """Give the lock up; children that inherited it keep it."""
        os.close(self._file)

    def _rewrite(self) -> None:
        # The names only help whom the lock stops. On a full disk they are out of date, which
        # must not end the one who keeps the processes.
        with suppress(OSError):
            self._write()

    def _write(self) -> None:
        names = "".join(f"{pid}\n" for pid in self._pids).encode()
        # Shortened last: the space that an empty file gives back may be gone at once.
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
