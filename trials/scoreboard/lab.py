"""Surroundings of one contender's checks: its ledgers, its services, and its worker."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from services.faults import FaultPlan
from services.mock import Services, open_services
from settings import Settings
from tests.harness.gates import Gates
from trials.scoreboard.contenders import Contender
from trials.scoreboard.newer_version import NewerVersion
from trials.scoreboard.run import Run
from trials.scoreboard.textbook.services import without_tombstones


class Lab(NamedTuple):
    """An open one."""

    env: WorkflowEnvironment
    contender: Contender
    settings: Settings
    services: Services
    gates: Gates
    newer: NewerVersion
    #: Held while a run is started, since time skipping is a setting of the whole environment.
    starting: asyncio.Lock
    #: Every run that any check started.
    placed: list[Run]


@asynccontextmanager
async def open_lab(
    env: WorkflowEnvironment,
    contender: Contender,
    folder: Path,
    starting: asyncio.Lock,
    rules: Sequence[Mapping[str, object]] = (),
) -> AsyncIterator[Lab]:
    """Open the ledgers in a folder, with faults by these rules, and run a worker on them."""
    plan = FaultPlan.model_validate({"seed": 1, "fault": rules})
    settings = Settings(data_dir=folder, task_queue=f"{contender.prefix}-{uuid.uuid4()}")
    with closing(open_services(settings.ledger_urls(), plan)) as opened:
        services = opened if contender.ours else without_tombstones(opened)
        config = contender.config(env.client, services, settings)
        gates, newer = Gates(), NewerVersion()
        lab = Lab(env, contender, settings, services, gates, newer, starting, [])
        config["interceptors"] = [*config.get("interceptors", ()), gates, newer]
        config["graceful_shutdown_timeout"] = timedelta(0)
        async with Worker(**config):
            try:
                yield lab
            finally:
                gates.open_all()
                for run in lab.placed:
                    await run.abandon()
