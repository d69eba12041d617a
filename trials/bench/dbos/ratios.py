"""Ratios of our sagas' numbers to those of DBOS."""

from __future__ import annotations

from collections.abc import Iterator

from trials.bench.results import Results, Target
from trials.bench.tables import NOT_MEASURED, TARGETED, Grid
from trials.bench.variants import FAST_PATH, ORCHESTRATED

#: Fields of :class:`~trials.bench.measuring.Sample`, and whether less is better.
_COMPARED = {"orders_per_second": False, "p50_ms": True, "cpu": True}


def targets(results: Results) -> Iterator[Target]:
    """Generate a bound for each number of ours and each DBOS: to be ahead, or at least level."""
    theirs = [name for name in results.samples if name.startswith("DBOS")]
    for ours in (ORCHESTRATED.name, FAST_PATH.name):
        for what, less in _COMPARED.items():
            yield from (Target(ours, what, other, 1, at_most=less) for other in theirs)


def ratios(results: Results) -> Grid:
    """Return the table of all ratios; a dash stands for one that was not measured cleanly."""
    rows: dict[str, list[str]] = {}
    for target in targets(results):
        ratio = target.measured(results)
        row = rows.setdefault(f"{target.variant}, {TARGETED[target.what]}", [])
        row.append(NOT_MEASURED if ratio is None else f"{ratio:.2f}")
    header = ["", *dict.fromkeys(str(target.against) for target in targets(results))]
    return Grid(
        "Ours divided by that of DBOS", header, [[name, *row] for name, row in rows.items()]
    )


def told(results: Results) -> list[dict[str, object]]:
    """Return all ratios, for JSON."""
    return [
        {"variant": t.variant, "what": t.what, "against": t.against, "ratio": t.measured(results)}
        for t in targets(results)
    ]
