"""Workers that poll any partition of a task queue are seen."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import PollWorkflowTaskQueueRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from runtime.encryption import Keys
from runtime.pollers import WORKFLOW_TASKS, pollers
from runtime.shared_keys import ensure_shared_key, worker_identity
from tests.harness.builders import an_id
from tests.harness.server import with_keys
from tests.harness.waiting import until

#: The server spreads them over four partitions, and each passes on one at most to the first.
POLLS = 8


async def test_a_shared_key_is_found_whichever_partition_its_worker_polls(
    env: WorkflowEnvironment,
) -> None:
    queue = an_id("queue")
    clients = [with_keys(env.client, Keys(bytes([n]) * 32)) for n in range(POLLS)]
    async with AsyncExitStack() as polls:
        for client in clients:
            polls.callback(asyncio.create_task(poll(client, queue)).cancel)

        async def all_seen() -> bool:
            return len(await pollers(env.client, queue, WORKFLOW_TASKS)) == POLLS

        await until(all_seen)
        for client in clients:
            await ensure_shared_key(client, queue)


async def poll(client: Client, queue: str) -> None:
    """Poll once, as a worker with the keys of this client."""
    request = PollWorkflowTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        identity=worker_identity(client),
    )
    await client.workflow_service.poll_workflow_task_queue(request)
