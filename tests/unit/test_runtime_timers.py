"""The embedded server's timers: many of them in one second do not make it late."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from pathlib import Path

from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from runtime.devserver import DevServer


@workflow.defn
class ShortTimers:
    """A run of many short timers, which fall into few seconds."""

    @workflow.run
    async def run(self) -> None:
        for _ in range(50):
            await workflow.sleep(0.01)


def metrics_of(server: DevServer) -> str:
    [address] = re.findall(r"Metrics: +(\S+)", server.process.output())
    with urllib.request.urlopen(address) as answer:
        counted: bytes = answer.read()
        return counted.decode()


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

        counted = await asyncio.to_thread(metrics_of, server)

    assert "TimerActiveTaskUserTimer" in counted
    assert "reader_stuck" not in counted
