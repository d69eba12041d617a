"""Ledgers, services and worker of one contender, on which its checks are carried out."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from temporalio.testing import WorkflowEnvironment

from services.faults import Fault
from services.mock import open_services
from settings import Settings
from tests.harness.faults import plan
from tests.harness.shop import Shop
from trials.scoreboard.contenders import Contender
from trials.scoreboard.newer_version import NewerVersion
from trials.scoreboard.run import Run
from trials.scoreboard.textbook.services import without_tombstones


class Setup(NamedTuple):
    """An open shop of a contender."""

    contender: Contender
    shop: Shop
    newer: NewerVersion
    #: Held while a run is started, since time skipping is a setting of the whole environment.
    starting: asyncio.Lock
    #: Every run that any check started.
    placed: list[Run]


@asynccontextmanager
async def open_setup(
    env: WorkflowEnvironment,
    contender: Contender,
    folder: Path,
    starting: asyncio.Lock,
    rules: Sequence[Fault] = (),
) -> AsyncIterator[Setup]:
    """Open the ledgers in a folder, with faults by these rules, and run a worker on them."""
    settings = Settings(data_dir=folder, task_queue=f"{contender.prefix}-{uuid.uuid4()}")
    with closing(open_services(settings.ledger_urls(), plan(*rules))) as opened:
        services = opened if contender.ours else without_tombstones(opened)
        setup = Setup(contender, Shop(env, settings, services), NewerVersion(), starting, [])
        async with setup.shop.worker(
            config=contender.config(env.client, services, settings),
            interceptors=[setup.newer],
            graceful_shutdown_timeout=timedelta(0),
        ):
            try:
                yield setup
            finally:
                for run in setup.placed:
                    await run.abandon()
