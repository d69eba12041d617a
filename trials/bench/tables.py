"""Tables of the results, for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.table import Table

from trials.bench.cost import Cost
from trials.bench.machine import DISTURBED
from trials.bench.measuring import Load
from trials.bench.operations import Operation
from trials.bench.results import BUSY, Results, Target, targets

#: Stands for a number that was not measured, or not cleanly.
NOT_MEASURED = "-"
#: Names of what targets are about.
TARGETED = {
    "orders_per_second": f"orders/s at {BUSY.in_flight}",
    "p50_ms": "p50 at 1",
    "cpu": f"CPU at {BUSY.in_flight}",
    "events": "events",
}


class Grid(NamedTuple):
    """A table with a title; the first column has names, the others have numbers."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def for_terminal(self) -> Table:
        """Return it for the terminal."""
        table = Table(title=self.title, title_justify="left", box=None, header_style="dim")
        for number, column in enumerate(self.header):
            table.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        return table

    def as_markdown(self) -> str:
        """Return it as Markdown."""
        ruler = ["---", *["---:"] * (len(self.header) - 1)]
        lines = (f"| {' | '.join(row)} |" for row in (self.header, ruler, *self.rows))
        return "\n".join([f"**{self.title}**", "", *lines])


def grids(results: Results) -> list[Grid]:
    """Return all tables."""
    percents = sorted({load.percent_refused for load in results.loads})
    measured = [times(results, percent) for percent in percents]
    counts = [
        _counts(results, "One order that succeeds", 0),
        _counts(results, "One order that shipping refuses", 1),
    ]
    return [*measured, *counts, _operations(results), _targets(results)]


def caveat(results: Results) -> str | None:
    """Return the sentence that says why there are no ratios, or none to rely on."""
    if not results.disturbed:
        return None
    most = max(share for load in results.disturbed for share in results.foreign(load))
    why = (
        f"other programs used up to {most:.0%} of the CPUs in too many rounds (allowed:"
        f" {DISTURBED:.0%})"
    )
    if results.regardless:
        return f"The times and ratios are unreliable: {why}."
    return f"There is no ratio: {why}. Stop them and repeat, or see it all with --regardless."


def times(results: Results, percent: int) -> Grid:
    """Return the table of all that was measured under loads of which so many orders are refused."""
    loads = [load for load in results.loads if load.percent_refused == percent]
    busy = BUSY._replace(percent_refused=percent)

    def row(name: str, load: Load, what: str, digits: int) -> list[str]:
        medians = (results.median(variant, load, what) for variant in results.samples)
        return [name, *(_number(median, digits) for median in medians)]

    rows = [row(f"orders/s at {at.in_flight}", at, "orders_per_second", 1) for at in loads]
    rows += [row(f"p50 ms at {at.in_flight}", at, "p50_ms", 0) for at in loads]
    rows += [row("CPU-s, server", busy, "server_cpu", 1)]
    rows += [row("CPU-s, worker", busy, "worker_cpu", 1)]
    which = f"{percent} % of the orders are refused" if percent else "All orders succeed"
    return Grid(which, ["", *results.samples], rows)


def _counts(results: Results, title: str, kind: int) -> Grid:
    costs = [of[kind] for of in results.costs.values()]
    rows = [
        [what.replace("_", " "), *(f"{getattr(cost, what):,}" for cost in costs)]
        for what in Cost.__dataclass_fields__
    ]
    return Grid(title, ["", *results.costs], rows)


def _operations(results: Results) -> Grid:
    def row(one: Operation) -> list[str]:
        if one.not_measured is not None:
            return [one.database, "not measured", one.not_measured, ""]
        times = [f"{one.p50_ms:.2f}", f"{one.commit_share:.0%}"]
        if one.foreign > DISTURBED and not results.regardless:
            times = [NOT_MEASURED, NOT_MEASURED]
        return [one.database, f"{one.statements:.1f}", *times]

    header = ["", "SQL statements", "p50 ms", "of that, the commit"]
    return Grid("One operation of a service", header, list(map(row, results.operations)))


def _targets(results: Results) -> Grid:
    header = ["", "compared with", "what", "required", "measured", "reached"]
    return Grid("Targets", header, [_target(target, results) for target in targets(results)])


def _target(target: Target, results: Results) -> list[str]:
    measured = target.measured(results)
    verdict = NOT_MEASURED
    if measured is not None:
        verdict = "yes" if target.reached(measured) else "no"
    return [
        target.variant,
        target.against or "",
        TARGETED[target.what],
        f"{'≤' if target.at_most else '≥'} {target.bound:g}",
        _number(measured, 2 if target.against else 0),
        verdict,
    ]


def _number(value: float | None, digits: int) -> str:
    return NOT_MEASURED if value is None else f"{value:,.{digits}f}"
