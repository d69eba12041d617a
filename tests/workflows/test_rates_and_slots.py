"""Limits that a worker tells Temporal: activities in a second, and tasks at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from temporalio.api.enums.v1 import RateLimitSource, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, ListWorkersRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from cli.modes import Mode
from tests.harness.apart import connected_like
from tests.harness.builders import an_id, an_order
from tests.harness.deliveries import FORWARD, delivery
from tests.harness.opening import unaudited_shop
from tests.harness.runs import came_with_the_answer
from tests.harness.steps import ACTIONS
from tests.harness.waiting import until
from worker import worker_config


async def limit_of(client: Client, task_queue: str) -> float | None:
    """Return the limit that a worker has given to a task queue, in activities a second."""
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            report_config=True,
        )
    )
    limit = described.effective_rate_limit
    by_worker = limit.rate_limit_source == RateLimitSource.RATE_LIMIT_SOURCE_WORKER
    return limit.requests_per_second if by_worker else None


async def kinds_of_slots(client: Client, task_queue: str) -> set[str]:
    """Return how the worker of a task queue counts its slots, once it has told Temporal."""
    found: set[str] = set()

    async def told() -> bool:
        listed = await client.workflow_service.list_workers(
            ListWorkersRequest(namespace=client.namespace)
        )
        for each in listed.workers_info:
            beat = each.worker_heartbeat
            if beat.task_queue == task_queue:
                slots = (beat.activity_task_slots_info, beat.workflow_task_slots_info)
                found.update(info.slot_supplier_kind for info in slots)
        return bool(found)

    await until(told)
    return found


async def test_a_worker_limits_the_rate_of_its_service_and_takes_what_the_machine_allows(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    payments = an_id("payments")
    async with unaudited_shop(env, tmp_path, worker=False) as shop:
        settings = shop.settings.model_copy(
            update={
                "payment_task_queue": payments,
                "payment_rate_limit": 7.5,
                "target_memory_usage": 0.9,
                "target_cpu_usage": 1.0,
            }
        )
        client = await connected_like(shop.client)
        config = worker_config(client, shop.services, settings, payments)
        async with (
            shop.worker(config=worker_config(client, shop.services, settings)),
            Worker(**config),
        ):
            await shop.succeeds(await shop.place(an_order()))
            assert await limit_of(client, payments) == 7.5
            assert await limit_of(client, settings.task_queue) is None
        # A worker that stops tells Temporal once more what it is.
        assert await kinds_of_slots(client, payments) == {"ResourceBased"}


async def test_a_worker_that_was_busy_still_gets_first_tasks_with_the_answers_to_the_starts(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    """It polled more while much was waiting, and each poll holds a slot."""
    async with unaudited_shop(env, tmp_path, mode=Mode.CHOREOGRAPHY, worker=False) as shop:
        backlog = [await shop.place(an_order()) for _ in range(40)]
        few = shop.settings.model_copy(update={"max_concurrent_workflow_tasks": 20})
        async with shop.worker(config=worker_config(shop.client, shop.services, few)):
            await asyncio.gather(*map(shop.succeeds, backlog))
            handle = await shop.place(an_order())
            await shop.succeeds(handle)
            for service in ACTIONS:
                delivered = delivery(shop, handle, FORWARD[service])
                assert came_with_the_answer((await delivered.fetch_history()).events)
