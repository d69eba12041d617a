"""Commands of the chaos to its workers, sent by files, since they are other processes."""

from __future__ import annotations

import os
import signal
from enum import Enum
from pathlib import Path


class Point(str, Enum):
    """Point of an operation at which a worker can be told to die."""

    BEFORE = "before the effect"
    WRITTEN = "between effect and commit"
    COMMITTED = "between commit and reply"
    UNWRITTEN = "between undo and commit"


class Failpoints:
    """A folder that the chaos and its workers share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def order(self, point: Point) -> None:
        """Make the first worker that reaches the point exit there."""
        (self.folder / point.name).touch()

    def is_pending(self, point: Point) -> bool:
        """Tell whether no worker has reached the point since then."""
        return (self.folder / point.name).exists()

    def revoke(self, point: Point) -> bool:
        """Withdraw the command; return False if a worker has carried it out."""
        try:
            (self.folder / point.name).unlink()
        except FileNotFoundError:
            return False
        return True

    def meet(self, point: Point) -> None:
        """Kill this process if that was commanded; as with any kill, it cannot clean up."""
        if self.revoke(point):
            os.kill(os.getpid(), signal.SIGKILL)

    def protect(self, service: str, *, on: bool) -> None:
        """Make the service's database read-only for all workers, or writable again."""
        mark = self._mark(service)
        if on:
            mark.touch()
        else:
            mark.unlink()

    def protects(self, service: str) -> bool:
        """Tell whether the service's database is read-only."""
        return self._mark(service).exists()

    def _mark(self, service: str) -> Path:
        return self.folder / f"{service}.read-only"
