"""Queries that list runs, whatever their ids and task queues contain."""

from __future__ import annotations

from contextlib import AsyncExitStack
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from runs.listing import waiting
from runs.visibility import equals
from tests.harness.server import in_real_time
from tests.harness.waiting import until

NAMES = [
    "bücher",
    "購入😀",
    "it's",
    'a "quoted" one',
    "back\\slash",
    "a%b_c!",
    "'ends'",
    "\\n",
    '"',
]


async def listed(client: Client, condition: str) -> set[str]:
    return {run.id async for run in client.list_workflows(condition)}


@pytest.mark.parametrize("name", NAMES)
async def test_a_run_is_found_by_its_id_and_by_its_task_queue(
    env: WorkflowEnvironment, name: str
) -> None:
    tag = uuid4().hex
    names = [f"{tag}{name}", f"{tag}{name}x", f"{tag}other"]
    async with AsyncExitStack() as begun:
        async with in_real_time(env):
            for each in names:
                run = await env.client.start_workflow("Nobodys", id=each, task_queue=each)
                begun.push_async_callback(run.terminate)

        async def all_listed() -> bool:
            return await listed(env.client, f'WorkflowId STARTS_WITH "{tag}"') == set(names)

        await until(all_listed)
        wanted = names[0]
        assert wanted in await listed(env.client, equals("WorkflowId", wanted))
        is_open = 'ExecutionStatus = "Running"'
        on_queue = await waiting(env.client, wanted, is_open, "Nobodys")
        assert [run.id for run in on_queue] == [wanted]
