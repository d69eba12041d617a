"""Orders of the chaos to its workers: by files, since they are other processes."""

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
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def order(self, point: Point) -> None:
        """Have the first one that comes to the point die there."""
        (self._folder / point.name).touch()

    def is_pending(self, point: Point) -> bool:
        """Tell whether nobody has come to the point since it was ordered."""
        return (self._folder / point.name).exists()

    def revoke(self, point: Point) -> bool:
        """Take the order back; False when it was carried out already."""
        try:
            (self._folder / point.name).unlink()
        except FileNotFoundError:
            return False
        return True

    def meet(self, point: Point) -> None:
        """Die if that was ordered: killed, as from outside, with no chance to clean up."""
        if self.revoke(point):
            os.kill(os.getpid(), signal.SIGKILL)

    def protect(self, service: str, *, on: bool) -> None:
        """Make the service's database read-only for all workers, or no longer."""
        mark = self._mark(service)
        if on:
            mark.touch()
        else:
            mark.unlink()

    def protects(self, service: str) -> bool:
        """Tell whether the service's database is read-only."""
        return self._mark(service).exists()

    def _mark(self, service: str) -> Path:
        return self._folder / f"{service}.read-only"
