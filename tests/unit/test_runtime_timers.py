"""The embedded server's timers: many of them in one second do not make it late."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from runtime.devserver import DevServer
from tests.harness.prometheus import exposed


@workflow.defn
class ShortTimers:
    """A run of many short timers, which fall into few seconds."""

    @workflow.run
    async def run(self) -> None:
        for _ in range(50):
            await workflow.sleep(0.01)


async def test_a_second_with_many_timers_is_not_taken_for_a_reader_that_is_stuck(
    tmp_path: Path,
) -> None:
    async with DevServer(tmp_path) as server:
        client = await server.client()
        async with Worker(
            client,
            task_queue="timers",
            workflows=[ShortTimers],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            await client.execute_workflow(ShortTimers.run, id="timers", task_queue="timers")

        [address] = re.findall(r"Metrics: +http://(\S+)/metrics", server.process.output())
        counted = await asyncio.to_thread(exposed, address)

    assert "TimerActiveTaskUserTimer" in counted
    assert "reader_stuck" not in counted
