"""Lists of the runs on one task queue, and queries about each run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from runs.descriptions import SERVER_TIMEOUT
from runs.visibility import equals, one_of

_R = TypeVar("_R")
_T = TypeVar("_T")

_QUESTIONS_AT_ONCE = 20


async def waiting(
    client: Client, task_queue: str, condition: str, *workflow_types: str
) -> list[WorkflowExecution]:
    """List the runs on the task queue that meet the condition."""
    on_queue = equals("TaskQueue", task_queue)
    query = f"{condition} AND {one_of('WorkflowType', workflow_types)} AND {on_queue}"
    found = client.list_workflows(query, rpc_timeout=SERVER_TIMEOUT)
    return [run async for run in found if run.task_queue == task_queue]


async def waiting_if_listed(
    client: Client, task_queue: str, condition: str, *workflow_types: str
) -> list[WorkflowExecution] | None:
    """List as :func:`waiting` does; None if the server is too old for the condition."""
    try:
        return await waiting(client, task_queue, condition, *workflow_types)
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        return None


async def of_each(runs: Iterable[_R], examine: Callable[[_R], Awaitable[_T]]) -> list[_T]:
    """Examine each run, a few at a time, and return the results."""
    gate = asyncio.Semaphore(_QUESTIONS_AT_ONCE)

    async def one(run: _R) -> _T:
        async with gate:
            return await examine(run)

    return await asyncio.gather(*map(one, runs))
