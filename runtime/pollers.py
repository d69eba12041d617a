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
from temporalio.service import RPCError, RPCStatusCode

WORKFLOW_TASKS = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY


#: What a server answers that cannot tell, or may not, of the partitions of a queue.
_DOES_NOT_TELL = {
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNIMPLEMENTED,
}


async def pollers(client: Client, task_queue: str, kind: TaskQueueType.ValueType) -> set[str]:
    """Return the identities of the workers of any version that poll for this kind of task.

    Each partition of the queue is asked: asked for the whole queue, the server tells of the first
    partition alone, and a worker may poll another one for minutes. Where the server tells of no
    partitions, this is what is left.

    Raises:
        RPCError: Temporal does not answer.
    """
    try:
        partitions = await _partitions(client, task_queue, kind)
        found = await asyncio.gather(*(_pollers_of(client, name, kind) for name in partitions))
    except RPCError as error:
        if error.status not in _DOES_NOT_TELL:
            raise
        return await _pollers_of(client, task_queue, kind)
    return set().union(*found)


async def _partitions(client: Client, task_queue: str, kind: TaskQueueType.ValueType) -> list[str]:
    request = ListTaskQueuePartitionsRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=task_queue)
    )
    found = await client.workflow_service.list_task_queue_partitions(request)
    of_workflows = kind == WORKFLOW_TASKS
    partitions = (
        found.workflow_task_queue_partitions
        if of_workflows
        else found.activity_task_queue_partitions
    )
    return [partition.key for partition in partitions]


async def _pollers_of(client: Client, name: str, kind: TaskQueueType.ValueType) -> set[str]:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=name), task_queue_type=kind
    )
    found = await client.workflow_service.describe_task_queue(request)
    return {poller.identity for poller in found.pollers}
