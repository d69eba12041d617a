"""Tiny run of the bench, and its judgement of disturbed rounds; the real one is ``make bench``."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from temporalio.api.history.v1 import HistoryEvent

from tests.harness.children import ended
from tests.harness.waiting import PATIENCE
from trials.bench.cost import Cost, billable
from trials.bench.machine import Reading, foreign_share
from trials.bench.measuring import Load, Sample
from trials.bench.results import Results, targets
from trials.bench.tables import caveat, grids
from trials.bench.variants import BARE, BARE_ON_DEFAULTS, ORCHESTRATED, VARIANTS

LOAD = Load(0, 50)


@pytest.mark.timeout(10 * PATIENCE)
def test_a_run_of_the_bench_measures_every_cell_and_counts_exactly(tmp_path: Path) -> None:
    page = tmp_path / "benchmark.md"
    page.write_text("before\n<!-- begin: make bench -->\nold\n<!-- end: make bench -->\nafter\n")
    options = ("--rounds", "1", "--orders", "2", "--in-flight", "1", "2", "--regardless")

    run = ended("-m", "trials.bench", *options, "--to", tmp_path, timeout=9 * PATIENCE)

    assert run.returncode == 0, run.stdout + run.stderr
    told = json.loads((tmp_path / "benchmark.json").read_text())
    cells = {(c["variant"], c["percent_refused"], c["in_flight"]): c for c in told["cells"]}
    assert cells.keys() == {(v.name, f, n) for v in VARIANTS for f in (0, 30) for n in (1, 2)}
    assert all(sample["worker_cpu"] >= 0 for cell in cells.values() for sample in cell["rounds"])
    costs = {cost.pop("variant"): cost for cost in told["costs"]}
    # The fewest that four activities can have: start, four activities, end, and a workflow task
    # before each. Temporal Cloud bills the start and the activities.
    for plain in (BARE, BARE_ON_DEFAULTS, ORCHESTRATED):
        exact = costs[plain.name]["succeeds"]
        assert (exact["events"], exact["billable_actions"]) == (29, 5)
        assert (exact["workflows"], exact["activities"], exact["signals"]) == (1, 4, 0)
    # Two undos more, and two updates of the search attribute.
    refused = costs[ORCHESTRATED.name]["refused"]
    assert (refused["events"], refused["billable_actions"]) == (37, 8)
    assert [o["database"] for o in told["operations"]] == ["SQLite", "PostgreSQL"]
    assert ElementTree.parse(tmp_path / "benchmark.svg").getroot().tag.endswith("svg")
    written = page.read_text()
    assert written.startswith("before\n<!-- begin")
    assert written.endswith("end: make bench -->\nafter\n")
    assert "old" not in written


def test_the_cpu_time_of_others_is_what_the_machine_used_beyond_ours() -> None:
    before = Reading(at=100, machine=1000, ours=50)
    assert foreign_share(before, Reading(at=110, machine=1012, ours=61), cpus=2) == 0.05
    # Clocks that tick a hundred times a second do not agree exactly.
    assert foreign_share(before, Reading(at=110, machine=1010, ours=60.02), cpus=2) == 0


def results(*foreign: float, regardless: bool = False) -> Results:
    """Results in which the rounds of the first variant were disturbed by these shares."""
    samples = {
        BARE.name: [sample(share, 20 + number) for number, share in enumerate(foreign)],
        BARE_ON_DEFAULTS.name: [sample(0.01, 5) for _ in foreign],
        ORCHESTRATED.name: [sample(0.01, 10) for _ in foreign],
    }
    cost = Cost(1, 4, 0, 29, 4000, 5)
    return Results(
        machine=[],
        orders=1,
        samples={name: {LOAD: of} for name, of in samples.items()},
        costs=dict.fromkeys(samples, (cost, cost)),
        operations=[],
        regardless=regardless,
    )


def sample(foreign: float, orders_per_second: float) -> Sample:
    return Sample(orders_per_second, 1, 1, 1, 1, foreign)


def ratio(found: Results) -> float | None:
    [target] = [
        t for t in targets(found) if t.what == "orders_per_second" and t.against == BARE.name
    ]
    return target.measured(found)


def test_a_round_in_which_one_variant_was_disturbed_counts_for_none() -> None:
    found = results(0.02, 0.9, 0.02)

    assert found.clean_rounds(LOAD) == [0, 2]
    assert found.median(BARE.name, LOAD, "orders_per_second") == 21  # of 20 and 22
    assert ratio(found) == pytest.approx(10 / 21)
    assert caveat(found) is None


def test_without_a_majority_of_clean_rounds_there_is_no_ratio_and_the_reason_is_said() -> None:
    found = results(0.9, 0.34, 0.02)

    assert ratio(found) is None
    assert "90%" in (caveat(found) or "")
    assert not any(cell in ("yes", "no") for row in grids(found)[-1].rows[1:] for cell in row)


def test_numbers_that_were_asked_for_regardless_are_called_unreliable() -> None:
    found = results(0.9, 0.9, regardless=True)

    assert ratio(found) == pytest.approx(10 / 20.5)
    assert "unreliable" in (caveat(found) or "")


def test_refused_orders_are_spread_evenly_over_a_load() -> None:
    nowhere = [order.shipping_address for order in Load(100, 1).orders("x", 1)]
    addresses = [order.shipping_address for order in Load(30, 1).orders("x", 20)]

    assert [address in nowhere for address in addresses].count(True) == 6
    assert [address in nowhere for address in addresses[:10]].count(True) == 3


def test_local_activities_of_one_workflow_task_are_billed_as_one_action() -> None:
    history = [HistoryEvent() for _ in range(5)]
    for event, task in zip(history, (4, 4, 4, 9, 9), strict=True):
        event.marker_recorded_event_attributes.workflow_task_completed_event_id = task

    assert billable(history) == 2


def test_each_attempt_of_an_activity_and_each_search_attribute_but_one_is_billed() -> None:
    retried, ours, temporals = HistoryEvent(), HistoryEvent(), HistoryEvent()
    retried.activity_task_started_event_attributes.attempt = 3
    for event, attribute in ((ours, "SagaStatus"), (temporals, "TemporalChangeVersion")):
        upsert = event.upsert_workflow_search_attributes_event_attributes
        upsert.search_attributes.indexed_fields[attribute].data = b"1"

    assert billable([retried]) == 3
    assert billable([ours, temporals]) == 1
