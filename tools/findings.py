"""Findings of the checks, and the files that are checked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, order=True)
class Finding:
    """Place that breaks a rule, printed in the form that editors can open."""

    path: str
    line: int
    wrong: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.wrong}"


def files(root: Path, suffix: str) -> Iterator[Path]:
    """Find the files below a folder, except those in hidden folders such as ``.venv``."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(suffix))
