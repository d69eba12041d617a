"""DBOS does the same work as our sagas, where ``make bench-dbos`` has installed it; the ratios."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from runtime.processes import ProcessFailed
from tests.harness.waiting import PATIENCE
from trials.bench.dbos.competitor import AS_DELIVERED, PYTHON, TUNED, Kind, competing
from trials.bench.dbos.ratios import ratios, told
from trials.bench.measuring import Load, Sample, check_effects, measure
from trials.bench.results import ALONE, BUSY, Results
from trials.bench.variants import FAST_PATH, ORCHESTRATED

installed = pytest.mark.skipif(not PYTHON.exists(), reason="make bench-dbos installs DBOS")


@installed
@pytest.mark.timeout(5 * PATIENCE)
@pytest.mark.parametrize("kind", [AS_DELIVERED, TUNED])
async def test_dbos_leaves_the_same_effects_as_our_sagas(kind: Kind, tmp_path: Path) -> None:
    async with competing(kind, tmp_path / "dbos") as system:
        sample = await measure(system, Load(30, 2), "x", 4)

        assert system.ended == {"succeeded": 2, "refused": 2}
        check_effects(system)
    assert system.version
    assert sample.orders_per_second > 0
    assert sample.server_cpu == 0 < sample.worker_cpu


@installed
@pytest.mark.timeout(5 * PATIENCE)
async def test_a_measurement_during_which_dbos_dies_is_void(tmp_path: Path) -> None:
    async with competing(TUNED, tmp_path / "dbos") as system:
        os.kill(system.pid, signal.SIGKILL)

        with pytest.raises(ProcessFailed):
            await measure(system, Load(0, 1), "x", 1)


def results(foreign: float) -> Results:
    """Results in which ours take twice as long as one DBOS, and half as long as the other."""
    samples = {ORCHESTRATED.name: 2, FAST_PATH.name: 2, "DBOS, quick": 1, "DBOS, slow": 4}
    return Results(
        machine=[],
        orders=1,
        samples={
            name: {load: [sample(seconds, foreign)] for load in (ALONE, BUSY)}
            for name, seconds in samples.items()
        },
        costs={},
        operations=[],
    )


def sample(seconds: float, foreign: float) -> Sample:
    return Sample(1 / seconds, seconds, seconds, seconds, seconds, foreign)


def test_the_ratios_divide_ours_by_theirs() -> None:
    table = ratios(results(0.02))

    assert table.header == ["", "DBOS, quick", "DBOS, slow"]
    assert ["orchestrated, orders/s at 50", "0.50", "2.00"] in table.rows
    assert ["fast path, CPU at 50", "2.00", "0.50"] in table.rows
    assert len(table.rows) == 6


def test_on_a_busy_machine_there_is_no_ratio() -> None:
    found = results(0.5)

    assert all(cell == "-" for row in ratios(found).rows for cell in row[1:])
    assert all(one["ratio"] is None for one in told(found))
