"""Gauges of what waits for an operator: they say what Temporal says, and nothing else."""

from __future__ import annotations

import pytest
from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig
from temporalio.testing import WorkflowEnvironment

from messages.metrics import WAITING
from runs.visibility import IS_FAILING
from runs.waiting import WaitingGauges
from tests.harness.builders import an_id

PARKED = {"order": 0.0, "dead_letter": 0.0, "leftover": 0.0}


async def shown(env: WorkflowEnvironment) -> dict[str, float]:
    """Return the numbers of what waits on an empty task queue, by kind."""
    buffer = MetricBuffer(1_000)
    meter = Runtime(telemetry=TelemetryConfig(metrics=buffer)).metric_meter
    await WaitingGauges(env.client, an_id("queue"), meter).refresh()
    return {
        str(update.attributes["kind"]): update.value
        for update in buffer.retrieve_updates()
        if update.metric.name == WAITING.name
    }


async def test_nothing_waits(env: WorkflowEnvironment) -> None:
    assert await shown(env) == {**PARKED, "wedged_run": 0.0}


async def test_a_server_that_cannot_list_wedged_runs_does_not_count_as_one_without_any(
    env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_a_newer_server = IS_FAILING.replace("TemporalReportedProblems", "TemporalNewAttribute")
    monkeypatch.setattr("runs.waiting.IS_FAILING", of_a_newer_server)

    assert await shown(env) == PARKED
