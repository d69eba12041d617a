"""Arithmetic of the capacity calculation on small numbers; the page says what it computes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.children import ROOT, ended
from tests.harness.waiting import PATIENCE
from trials.bench.capacity import (
    Benchmark,
    Cell,
    Costs,
    PerOrder,
    cloud,
    needs,
    per_order,
    price_of_actions,
)
from trials.bench.capacity_page import parts, rewrite
from trials.bench.cost import Cost
from trials.bench.measuring import Sample

DOCS = ROOT / "docs"
ORDER = PerOrder(
    events=30,
    history_bytes=5000,
    workflows=1,
    billable_actions=5,
    operations=4,
    visibility_writes=2,
    server_cpu=50,
    worker_cpu=None,
)


def benchmark(*clean_rounds: int) -> Benchmark:
    """A benchmark of one variant, with two rounds; these were undisturbed."""
    costs = Costs(
        variant="x",
        succeeds=Cost(1, 4, 0, 29, 4000, 5),
        refused=Cost(1, 6, 0, 39, 6000, 8),
    )
    cells = [
        Cell(
            variant="x",
            percent_refused=percent,
            in_flight=50,
            clean_rounds=list(clean_rounds),
            rounds=[Sample(1, 1, cpu, cpu / 2, 1, 0), Sample(1, 1, 999, 999, 1, 0.9)],
        )
        for percent, cpu in ((0, 40), (30, 70))
    ]
    return Benchmark(costs=[costs], cells=cells)


def test_an_order_costs_the_mean_of_those_that_succeed_and_the_tenth_that_is_refused() -> None:
    order = per_order(benchmark(0), "x")

    assert order.events == pytest.approx(30)
    assert order.history_bytes == pytest.approx(4200)
    assert order.billable_actions == pytest.approx(5.3)
    assert order.operations == pytest.approx(4.2)
    # Start and close, and the two updates of a refused order.
    assert order.visibility_writes == pytest.approx(2.2)
    assert order.tasks == pytest.approx(10)
    assert order.requests == pytest.approx(22)
    # A third of the way from 0 % to 30 %.
    assert order.server_cpu == pytest.approx(50)
    assert order.worker_cpu == pytest.approx(25)


def test_without_an_undisturbed_round_there_is_no_cpu_time_and_the_rest_is_there() -> None:
    order = per_order(benchmark(), "x")

    assert (order.server_cpu, order.worker_cpu) == (None, None)
    assert needs(order, 10)["cores of the Temporal server"] is None
    assert needs(order, 10)["history shards"] == 4


def test_each_need_is_the_load_over_half_of_the_limit() -> None:
    found = needs(ORDER, 1000)

    assert found["history shards"] == 512  # 30,000 writes/s at 100 each: 300, to a power of two
    assert found["history processes"] == 2
    assert found["task queue partitions"] == 100
    assert found["frontend processes"] == 19  # 22,000 requests/s at 1200 each
    assert found["cores of the Temporal server"] == 100
    assert found["worker processes, one core each"] is None
    assert found["commits/s in each ledger"] == 1000
    assert found["databases for each service"] == 1
    assert found["histories kept for 7 days, GB"] == pytest.approx(3024)
    assert found["task queues, for the reconciler"] == 12
    assert needs(ORDER, 1)["task queue partitions"] == 4


def test_the_scarcer_of_actions_and_requests_decides_on_the_resource_units() -> None:
    found = cloud(ORDER, 1000)

    assert found.actions_per_second == 5000
    assert found.trus == 15  # 10 for the actions, and 22,000 requests/s at 1500 each
    assert found.namespaces == 2
    assert found.millions_of_actions_per_month == pytest.approx(13_392)
    # 5 MB/s for 30 days, for 744 hours.
    assert found.retained_price == pytest.approx(12_960 * 744 * 0.00105)


def test_actions_are_priced_tier_by_tier_as_in_temporals_own_example() -> None:
    assert price_of_actions(11.25e6) == pytest.approx(525)
    assert price_of_actions(200e6) == pytest.approx(250 + 225 + 400 + 1050 + 1500 + 2500)


def test_the_page_has_what_is_computed_from_the_committed_benchmark(tmp_path: Path) -> None:
    for name in ("benchmark.json", "capacity.md"):
        (tmp_path / name).write_bytes((DOCS / name).read_bytes())

    assert rewrite(tmp_path) == [tmp_path / "capacity.md"]

    again = "python -m trials.bench.capacity_page writes it anew"
    assert (tmp_path / "capacity.md").read_text() == (DOCS / "capacity.md").read_text(), again


def test_every_table_has_its_place_in_the_page() -> None:
    read = Benchmark.model_validate_json((DOCS / "benchmark.json").read_bytes())
    page = (DOCS / "capacity.md").read_text()

    for name in parts(read):
        assert page.count(f"<!-- begin: {name} -->") == page.count(f"<!-- end: {name} -->") == 1


@pytest.mark.timeout(10 * PATIENCE)
@pytest.mark.parametrize("compared", [("--workers", "1", "2"), ("--set", "max_cached_workflows=2")])
def test_workers_that_are_compared_lose_nothing(compared: tuple[str, ...]) -> None:
    options = ("--orders", "6", "--in-flight", "3", "--rounds", "1")

    run = ended("-m", "trials.bench.scaling", *compared, *options, timeout=9 * PATIENCE)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "the audits are clean" in run.stdout
