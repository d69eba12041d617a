"""Gauges of what waits for an operator: they say what Temporal says, and nothing else."""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment

from messages.metrics import WAITING
from runs.visibility import IS_FAILING
from tests.harness.builders import an_id
from tests.harness.metrics import gauges_of

KNOWN = {"order": 0.0, "dead_letter": 0.0, "leftover": 0.0, "paused_run": 0.0}


async def shown(env: WorkflowEnvironment) -> dict[str, float]:
    """Return the numbers of what waits on an empty task queue, by kind."""
    return await gauges_of(env.client, an_id("queue"), WAITING)


async def test_nothing_waits(env: WorkflowEnvironment) -> None:
    assert await shown(env) == {**KNOWN, "wedged_run": 0.0}


async def test_a_server_that_cannot_list_wedged_runs_does_not_count_as_one_without_any(
    env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_a_newer_server = IS_FAILING.replace("TemporalReportedProblems", "TemporalNewAttribute")
    monkeypatch.setattr("runs.waiting.IS_FAILING", of_a_newer_server)

    assert await shown(env) == KNOWN
