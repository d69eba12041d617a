"""Log of a child process, and of those that took its place."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

from messages.text import one_line

_LAST_WORDS = 300
#: Bytes; a disk with less counts as full.
_NEXT_TO_NOTHING = 256 * 1024


class ProcessLog:
    """File that takes the output of one process after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = 0

    def begin_anew(self) -> None:
        """Empty the file.

        Raises:
            OSError: it cannot be written.
        """
        self.path.write_bytes(b"")

    def of_next_process(self) -> BinaryIO:
        """Open the file for the output of another process."""
        log = self.path.open("ab")
        self._start = log.tell()
        return log

    def output(self) -> str:
        """Return what the last process has written."""
        with self.path.open("rb") as log:
            log.seek(self._start)
            return log.read().decode(errors="replace")

    def last_words(self) -> str:
        """Return the last line that the process wrote, shortened; empty when it wrote none."""
        lines = reversed(self.output().split("\n"))
        last = next((one_line(line) for line in lines if line.strip()), "")
        return last if len(last) <= _LAST_WORDS else f"{last[:100]} … {last[-_LAST_WORDS + 100 :]}"

    def why_silent(self) -> str:
        """Say where a process that wrote nothing should have written, and why it may not have."""
        # What it had to say about a full disk found no space in its log either.
        full = shutil.disk_usage(self.path.parent).free < _NEXT_TO_NOTHING
        return f"nothing in {self.path}" + (": its disk is full" if full else "")
