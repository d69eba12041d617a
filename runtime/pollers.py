"""Workers that poll a task queue, as Temporal has seen them in the last minutes."""

from __future__ import annotations

import asyncio

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    ListTaskQueuePartitionsRequest,
)
from temporalio.client import Client

WORKFLOW_TASKS = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY


async def pollers(client: Client, task_queue: str, kind: TaskQueueType.ValueType) -> set[str]:
    """Return the identities of the workers of any version that poll for this kind of task.

    Each partition of the queue is asked: asked for the whole queue, the server tells of the first
    partition alone, and a worker may poll another one for minutes.
    """
    service, namespace = client.workflow_service, client.namespace
    partitions = await service.list_task_queue_partitions(
        ListTaskQueuePartitionsRequest(namespace=namespace, task_queue=TaskQueue(name=task_queue))
    )
    found = await asyncio.gather(
        *(
            service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=namespace,
                    task_queue=TaskQueue(name=partition.key),
                    task_queue_type=kind,
                )
            )
            for partition in (
                partitions.workflow_task_queue_partitions
                if kind == WORKFLOW_TASKS
                else partitions.activity_task_queue_partitions
            )
        )
    )
    return {poller.identity for answer in found for poller in answer.pollers}
