"""Plays scenarios on the real system and brings back their histories."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from services.faults import FaultPlan
from services.mock import open_services
from settings import Settings
from tests.harness.gates import Gates
from tests.replay.histories import ending
from tests.replay.studio import Scenario, Studio
from tests.workflows.conftest import Shop
from workflows import policies

#: Scenarios that are played at a time.
_AT_ONCE = 12


async def record(
    env: WorkflowEnvironment, folder: Path, scenarios: Sequence[Scenario]
) -> list[tuple[Scenario, WorkflowHistory]]:
    """Play all scenarios, over ledgers in ``folder``.

    Raises:
        RuntimeError: a run did not end as its scenario says.
    """
    turn = asyncio.Semaphore(_AT_ONCE)
    settings = Settings(data_dir=folder, task_queue=f"studio-{uuid.uuid4()}")
    rules = [{**f, "orders": [s.name]} for s in scenarios for f in s.faults]
    plan = FaultPlan.model_validate({"seed": 1, "fault": rules})
    with patient(), closing(open_services(settings.ledger_urls(), plan)) as services:
        shared = Studio("shared", Shop(env, settings, services), Gates())

        async def played(scenario: Scenario) -> WorkflowHistory:
            async with turn, _studio(scenario, shared, plan) as studio:
                return await _played(scenario, studio)

        async with shared.worker():
            histories = await asyncio.gather(*map(played, scenarios))
    return list(zip(scenarios, histories, strict=True))


@asynccontextmanager
async def _studio(scenario: Scenario, shared: Studio, plan: FaultPlan) -> AsyncIterator[Studio]:
    env, settings, services = shared.shop.env, shared.shop.settings, shared.shop.services
    own = settings.model_copy(update={"task_queue": f"studio-{uuid.uuid4()}"})
    if scenario.alone:
        own = own.model_copy(update={"data_dir": settings.data_dir / scenario.name})
        with closing(open_services(own.ledger_urls(), plan)) as opened:
            studio = Studio(scenario.name, Shop(env, own, opened), Gates())
            async with studio.worker():
                yield studio
    elif scenario.worker:
        yield shared._replace(name=scenario.name)
    else:
        yield Studio(scenario.name, Shop(env, own, services), Gates())


@contextmanager
def patient() -> Iterator[None]:
    """Let no attempt time out because the machine is slow to let it go on."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FORWARD", "COMPENSATION", "DELIVERY", "UNDO_DELIVERY"):
            slow = replace(getattr(policies, name), attempt=timedelta(minutes=1))
            patch.setattr(policies, name, slow)
        yield


async def _played(scenario: Scenario, studio: Studio) -> WorkflowHistory:
    handle = await scenario.play(studio)
    history = await handle.fetch_history()
    if ending(history) != scenario.ends:
        raise RuntimeError(f"{scenario.name} ended {ending(history)}, not {scenario.ends}")
    if scenario.ends == "RUNNING":
        await handle.terminate("recorded")
    return history
