"""Runs that wait for an operator, as one query lists them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.client import Client, WorkflowExecution

from cli.runs import SERVER_TIMEOUT
from runtime.visibility import equals, quoted

T = TypeVar("T")

PARKED = 'SagaStatus = "NEEDS_INTERVENTION" AND ExecutionStatus = "Running"'
_QUESTIONS_AT_ONCE = 20


async def waiting(
    client: Client, task_queue: str, condition: str, *workflow_types: str
) -> list[WorkflowExecution]:
    """The runs of our own workers of which the condition holds."""
    types = ", ".join(map(quoted, workflow_types))
    on_queue = equals("TaskQueue", task_queue)
    query = f"{condition} AND WorkflowType IN ({types}) AND {on_queue}"
    found = client.list_workflows(query, rpc_timeout=SERVER_TIMEOUT)
    return [run async for run in found if run.task_queue == task_queue]


async def of_each(
    runs: list[WorkflowExecution], examine: Callable[[WorkflowExecution], Awaitable[T]]
) -> list[T]:
    """What is found out about each, a few at a time."""
    gate = asyncio.Semaphore(_QUESTIONS_AT_ONCE)

    async def one(run: WorkflowExecution) -> T:
        async with gate:
            return await examine(run)

    return await asyncio.gather(*map(one, runs))
