"""Files that a run of the bench writes: JSON, Markdown and a plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pygal  # type: ignore[import-untyped]

from trials.bench import capacity_page
from trials.bench.pages import within
from trials.bench.results import Results, targets
from trials.bench.tables import Grid, caveat, grids

PAGE = "benchmark.md"


def write(results: Results, folder: Path) -> list[Path]:
    """Write all files into the folder, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = markdown(results, grids(results))
    contents = {
        folder / "benchmark.json": json.dumps(document(results), indent=1) + "\n",
        folder / PAGE: page(folder, "make bench", tables),
        folder / "benchmark.svg": plot(results),
    }
    for path, content in contents.items():
        path.write_text(content, encoding="utf-8")
    return [*contents, *capacity_page.rewrite(folder)]


def document(results: Results) -> dict[str, object]:
    """Return everything that was measured, for JSON."""
    return {
        "machine": results.machine,
        "orders": results.orders,
        "caveat": caveat(results),
        "cells": cells(results),
        "costs": [
            {"variant": name, "succeeds": asdict(success), "refused": asdict(refused)}
            for name, (success, refused) in results.costs.items()
        ],
        "operations": [asdict(operation) for operation in results.operations],
        "targets": [t._asdict() | {"measured": t.measured(results)} for t in targets(results)],
    }


def cells(results: Results) -> list[dict[str, object]]:
    """Return all samples, for JSON."""
    return [
        {
            "variant": name,
            **load._asdict(),
            "clean_rounds": results.clean_rounds(load),
            "rounds": [asdict(sample) for sample in samples],
        }
        for name, of in results.samples.items()
        for load, samples in of.items()
    ]


def markdown(results: Results, tables: Sequence[Grid]) -> str:
    """Return tables as Markdown, with the machine on which they were measured."""
    how = (
        f"Medians of {results.rounds} rounds with {results.orders} orders in each measurement, or"
        f" as many as are in flight, and {results.orders // 10 or 1} one at a time. Measured with"
        f" {', '.join(results.machine)}."
    )
    parts = [how, *map(Grid.as_markdown, tables)]
    if said := caveat(results):
        parts.insert(0, f"**{said}**")
    return "\n\n".join(parts)


def plot(results: Results) -> str:
    """Return a bar chart of the throughput as SVG."""
    loads = [load for load in results.loads if load.percent_refused == 0]
    chart = pygal.Bar(
        js=(),
        pretty_print=True,
        no_data_text="not measured: the machine was busy",
        title="Orders per second, all orders succeed"
        + (" (unreliable)" if results.disturbed else ""),
        x_title="orders in flight",
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        print_values=True,
        value_formatter=lambda value: f"{value:.1f}",
    )
    chart.x_labels = [str(load.in_flight) for load in loads]
    for name in results.samples:
        medians = (results.median(name, load, "orders_per_second") for load in loads)
        chart.add(name, list(medians))
    return str(chart.render(is_unicode=True)) + "\n"


def page(folder: Path, part: str, tables: str) -> str:
    """Return the benchmark's page in the folder with these tables as one of its parts."""
    file = folder / PAGE
    return within(file.read_text(encoding="utf-8") if file.exists() else "", part, tables)
