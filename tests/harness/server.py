"""The server that workflow tests run against: the development server, with time skipping."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from runtime.data_converter import data_converter, data_converter_with
from runtime.devserver import PROMPT_QUEUES, dynamic
from runtime.encryption import Keys
from tests.harness.waiting import PATIENCE
from workflows.progress import SAGA_STATUS_KEY

_SETTINGS = (
    *PROMPT_QUEUES,
    "frontend.WorkflowTimeSkippingEnabled=true",
    "frontend.WorkflowPauseEnabled=true",
    # By default it takes five, and so minutes, to say that a run's workflow task fails.
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=1",
    # A closed run can be deleted only after these.
    'history.transferProcessorUpdateAckInterval="100ms"',
    'history.visibilityProcessorUpdateAckInterval="100ms"',
)


async def time_skipping_server() -> WorkflowEnvironment:
    """Start one, in memory; use it as an async context manager."""
    # Collecting garbage less often spares a fifth of the time that the server takes.
    os.environ.setdefault("GOGC", "300")
    os.environ["TESTS_TEMPORAL"] = str(Path(sys.executable).with_name("temporal"))
    return await WorkflowEnvironment.start_time_skipping_v2(
        data_converter=data_converter,
        search_attributes=[SAGA_STATUS_KEY],
        dev_server_existing_path=str(Path(__file__).with_name("server_process.py")),
        dev_server_log_level="error",
        # By default a server has five seconds, which are too few on a busy machine.
        dev_server_startup_timeout=timedelta(seconds=PATIENCE),
        dev_server_extra_args=dynamic(*_SETTINGS),
    )


_one_at_a_time = asyncio.Lock()


@asynccontextmanager
async def in_real_time(env: WorkflowEnvironment) -> AsyncIterator[None]:
    """Time passes as on a clock for whatever is started within.

    The environment keeps one switch for this: two who turned it off at once would, each putting
    it back to how they found it, leave it off for good.
    """
    async with _one_at_a_time:
        with env.with_time_skipping_disabled():
            yield


def with_keys(client: Client, keys: Keys) -> Client:
    """Return a client on the same connection that has these keys."""
    config = client.config()
    config["data_converter"] = data_converter_with(keys)
    return Client(**config)
