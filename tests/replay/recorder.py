"""Plays scenarios on the real system and brings back their histories."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from services.faults import FaultPlan
from services.mock import Services, open_services
from settings import Settings
from tests.gates import Gates
from tests.replay.histories import ending
from tests.replay.studio import Scenario, Studio
from tests.workflows.conftest import Shop


async def record(
    env: WorkflowEnvironment, folder: Path, scenarios: Sequence[Scenario]
) -> list[tuple[Scenario, WorkflowHistory]]:
    """Play all scenarios at once, over ledgers in ``folder``.

    Raises:
        RuntimeError: a run did not end as its scenario says.
    """
    settings = Settings(data_dir=folder, task_queue=f"studio-{uuid.uuid4()}")
    rules = [{**f, "orders": [s.name]} for s in scenarios for f in s.faults]
    plan = FaultPlan.model_validate({"seed": 1, "fault": rules})
    with closing(open_services(settings.ledger_urls(), plan)) as services:
        shared = Studio("shared", Shop(env, settings, services), Gates())
        async with shared.worker():
            histories = await asyncio.gather(*(_played(s, shared, services) for s in scenarios))
    return list(zip(scenarios, histories, strict=True))


async def _played(scenario: Scenario, shared: Studio, services: Services) -> WorkflowHistory:
    studio = shared._replace(name=scenario.name)
    if not scenario.worker:
        own = shared.shop.settings.model_copy(update={"task_queue": f"studio-{uuid.uuid4()}"})
        studio = Studio(scenario.name, Shop(shared.shop.env, own, services), Gates())
    handle = await scenario.play(studio)
    history = await handle.fetch_history()
    if ending(history) != scenario.ends:
        raise RuntimeError(f"{scenario.name} ended {ending(history)}, not {scenario.ends}")
    if scenario.ends == "RUNNING":
        await handle.terminate("recorded")
    return history
