"""End of a bench: its tables are shown, its files written, and its exit code says if they count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cli.output import Output
from runtime.exits import ExitCode
from trials.bench.results import Results
from trials.bench.tables import Grid, caveat


def conclude(
    results: Results, grids: Sequence[Grid], write: Callable[[], Iterable[Path]], output: Output
) -> ExitCode:
    """Print the tables, then write the files; succeed if there are ratios, or none was needed."""
    for grid in grids:
        output.line("")
        output.say(grid.for_terminal())
    output.line("")
    for path in write():
        output.line(f"written: {path}", "dim")
    said = caveat(results)
    if said:
        output.line(f"✘ {said}", "bold red")
    return ExitCode.ROLLED_BACK if said and not results.regardless else ExitCode.SUCCESS
