"""Plots of the simulated day, as SVG."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import pygal  # type: ignore[import-untyped]
from pygal.style import Style  # type: ignore[import-untyped]

from cli.simulation.fates import SUCCEEDED
from trials.pictures.day import PER_HOUR, Ended

_HOURS = range(len(PER_HOUR))
_HEIGHT = 320
#: Colours of the kinds of ends, from the bottom of a bar to its top.
_COLOURS = {
    SUCCEEDED: "#2e9e5b",
    "rolled back at reserve_inventory": "#8b95a1",
    "rolled back at process_payment": "#e3b23c",
    "rolled back at prepare_shipping": "#c8402f",
}


def plots(day: Sequence[Ended]) -> Mapping[str, str]:
    """Return the plots by file name."""
    by_hour: dict[int, list[Ended]] = defaultdict(list)
    for order in day:
        by_hour[order.hour].append(order)

    def hourly(value: Callable[[list[Ended]], float]) -> list[float | None]:
        return [value(by_hour[hour]) if by_hour[hour] else None for hour in _HOURS]

    outcomes = _chart(pygal.StackedBar, "How the orders of each hour ended", *_COLOURS.values())
    for kind in _COLOURS:
        outcomes.add(kind, hourly(lambda of, kind=kind: sum(each.kind == kind for each in of)))  # type: ignore[misc]
    latency = _chart(
        pygal.Line, "Milliseconds from placing an order to its end", "#2463ad", "#8b95a1"
    )
    latency.add("median", hourly(lambda of: statistics.median(each.latency for each in of)))
    latency.add("slowest", hourly(lambda of: max(each.latency for each in of)))
    undone = _chart(pygal.Bar, "Steps that were undone in each hour", "#d98a1f")
    undone.add("steps undone", hourly(lambda of: sum(each.undone for each in of)))
    charts = {"day-outcomes.svg": outcomes, "day-latency.svg": latency, "day-undone.svg": undone}
    return {name: str(chart.render(is_unicode=True)) + "\n" for name, chart in charts.items()}


def _chart(kind: Callable[..., pygal.Graph], title: str, *colours: str) -> pygal.Graph:
    chart = kind(
        js=(),
        title=title,
        height=_HEIGHT,
        x_title="hour of the simulated day",
        legend_at_bottom=True,
        style=Style(colors=colours),
        value_formatter=lambda value: f"{value:,.0f}",
    )
    chart.x_labels = [f"{hour:02}" for hour in _HOURS]
    return chart
