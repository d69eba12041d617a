"""Plays scenarios on the real system and brings back their histories."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from tests.harness.faults import only_for
from tests.harness.opening import unaudited_shop
from tests.harness.policies import changed_policies
from tests.harness.shop import Shop
from tests.replay.histories import ending
from tests.replay.recording import Recording, Scenario

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
    faults = [rule for s in scenarios for rule in only_for(s.name, *s.faults)]

    async def played(scenario: Scenario, shared: Shop) -> WorkflowHistory:
        async with turn, _shop_for(scenario, shared, folder) as shop:
            return await _played(scenario, Recording(scenario.name, scenario.mode, shop))

    # No attempt may time out because the machine is slow to let it go on.
    with changed_policies(attempt=60, undo_attempt=60):
        async with unaudited_shop(env, folder, *faults) as shared:
            histories = await asyncio.gather(*(played(each, shared) for each in scenarios))
    return list(zip(scenarios, histories, strict=True))


@asynccontextmanager
async def _shop_for(scenario: Scenario, shared: Shop, folder: Path) -> AsyncIterator[Shop]:
    if scenario.worker and not scenario.alone:
        yield shared
        return
    own = folder / scenario.name
    faults = only_for(scenario.name, *scenario.faults)
    async with unaudited_shop(shared.env, own, *faults, worker=scenario.worker) as shop:
        yield shop


async def _played(scenario: Scenario, recording: Recording) -> WorkflowHistory:
    run = await scenario.play(recording)
    history = await run.fetch_history()
    if ending(history) != scenario.ends:
        raise RuntimeError(f"{scenario.name} ended {ending(history)}, not {scenario.ends}")
    if scenario.ends == "RUNNING":
        await run.terminate("recorded")
    return history
