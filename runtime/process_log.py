"""Log of a child process and of the processes that replaced it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

from messages.text import one_line

#: Characters of a last line that are kept.
_LONGEST_LINE = 300
#: Free bytes below which a disk counts as full.
_DISK_IS_FULL_BELOW = 256 * 1024


class ProcessLog:
    """File for the output of several processes, one after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = 0

    def clear(self) -> None:
        """Empty the file.

        Raises:
            OSError: the file cannot be written.
        """
        self.path.write_bytes(b"")

    def of_next_process(self) -> BinaryIO:
        """Open the file for the output of the next process."""
        log = self.path.open("ab")
        self._start = log.tell()
        return log

    def output(self) -> str:
        """Return the output of the last process."""
        with self.path.open("rb") as log:
            log.seek(self._start)
            return log.read().decode(errors="replace")

    def last_words(self) -> str:
        """Return the last line of the output, shortened; empty when there is no output."""
        lines = reversed(self.output().split("\n"))
        last = next((one_line(line) for line in lines if line.strip()), "")
        return (
            last if len(last) <= _LONGEST_LINE else f"{last[:100]} … {last[-_LONGEST_LINE + 100 :]}"
        )

    def why_silent(self) -> str:
        """Return a note for a process without output: its log file, and that the disk is full."""
        # On a full disk, the process cannot write its error message either.
        full = shutil.disk_usage(self.path.parent).free < _DISK_IS_FULL_BELOW
        return f"nothing in {self.path}" + (": its disk is full" if full else "")
