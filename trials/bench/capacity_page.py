"""Tables of ``docs/capacity.md``.

``make bench ARGS='--to docs'`` writes them anew, and so does ``python -m
trials.bench.capacity_page``, which measures nothing.
"""

from __future__ import annotations

from pathlib import Path

from trials.bench import capacity
from trials.bench import premises as given
from trials.bench.pages import within
from trials.bench.tables import Grid
from trials.bench.variants import CHOREOGRAPHED, FAST_PATH, ORCHESTRATED

#: Orders per second.
_RATES = (10, 1_000, 100_000)
_VARIANTS = (ORCHESTRATED.name, FAST_PATH.name, CHOREOGRAPHED.name)
_DOCS = Path(__file__).resolve().parents[2] / "docs"


def parts(benchmark: capacity.Benchmark) -> dict[str, str]:
    """Return all tables as Markdown, by the names of their marks."""
    orders = {variant: capacity.per_order(benchmark, variant) for variant in _VARIANTS}
    header = ["", *orders]
    grids = [Grid(f"{rate:,} orders/s", header, _needed(orders, rate)) for rate in _RATES]
    in_cloud = [Grid(f"{rate:,} orders/s", header, _in_cloud(orders, rate)) for rate in _RATES]
    return {
        "per order": Grid("One order, on average", header, _average(orders)).as_markdown(),
        "needs": "\n\n".join(grid.as_markdown() for grid in grids),
        "cloud": "\n\n".join(grid.as_markdown() for grid in in_cloud),
        "premises": _premises().as_markdown(),
    }


def _average(orders: dict[str, capacity.PerOrder]) -> list[list[str]]:
    rows = [*capacity.PerOrder.__dataclass_fields__, "tasks", "requests"]
    names = {"server_cpu": "CPU ms of the server", "worker_cpu": "CPU ms of the worker"}
    return [
        [
            names.get(row, row.replace("_", " ")),
            *(_shown(getattr(order, row)) for order in orders.values()),
        ]
        for row in rows
    ]


def _needed(orders: dict[str, capacity.PerOrder], rate: float) -> list[list[str]]:
    columns = [capacity.needs(order, rate) for order in orders.values()]
    return [[row, *(_shown(column[row]) for column in columns)] for row in columns[0]]


def _in_cloud(orders: dict[str, capacity.PerOrder], rate: float) -> list[list[str]]:
    columns = [capacity.cloud(order, rate) for order in orders.values()]
    names = {
        "trus": "resource units (TRUs)",
        "namespaces": f"namespaces of {given.MOST_TRUS.value:g} TRUs",
        "actions_price": "actions, $ a month at most",
        "active_price": "open runs, $ a month",
        "retained_price": "closed runs, $ a month",
    }
    return [
        [names.get(row, row.replace("_", " ")), *(_shown(getattr(c, row)) for c in columns)]
        for row in capacity.Cloud._fields
    ]


def _premises() -> Grid:
    rows = [
        [one.what, f"{one.value:,g} {one.unit}".strip(), _linked(one.source)]
        for one in given.PREMISES
    ]
    return Grid("Premises", ["", "value", "source"], rows)


def _linked(source: str) -> str:
    return f"[{source.rpartition('/')[2]}]({source})" if "/" in source or "#" in source else source


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    whole = isinstance(value, int) or value >= 100
    return f"{value:,.0f}" if whole else f"{value:,.1f}" if value >= 0.1 else f"{value:.2g}"


def rewrite(folder: Path) -> list[Path]:
    """Write the tables of the folder's page anew from its JSON; return the page if there is one."""
    page = folder / "capacity.md"
    if not page.exists():
        return []
    read = capacity.Benchmark.model_validate_json((folder / "benchmark.json").read_bytes())
    text = page.read_text(encoding="utf-8")
    for name, part in parts(read).items():
        text = within(text, name, part)
    page.write_text(text, encoding="utf-8")
    return [page]


if __name__ == "__main__":
    rewrite(_DOCS)
