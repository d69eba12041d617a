"""Workers that decide what a saga does, while those of the services are away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    Worker,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle

from settings import Settings
from worker import temporal_activities


def plain(client: Client) -> Client:
    """Return the same without the environment's part, for a worker.

    Otherwise it would start deliveries whose pauses are skipped, while their order waits as on a
    clock.
    """
    config = client.config()
    config["interceptors"] = []
    return Client(**config)


async def connected_like(client: Client) -> Client:
    """Return a client of the same server with a connection of its own, as another process has."""
    return await Client.connect(
        client.service_client.config.target_host,
        namespace=client.namespace,
        data_converter=client.data_converter,
    )


def activity_name(each: Callable[..., Any]) -> str:
    """Return the name that it is called by."""
    definition = activity._Definition.must_from_callable(each)
    assert definition.name is not None
    return definition.name


@asynccontextmanager
async def without_services(
    client: Client, settings: Settings, run: Callable[..., AbstractAsyncContextManager[Worker]]
) -> AsyncIterator[Worker]:
    """Run a worker for workflows, and for the activities by which these reach Temporal.

    These activities have a task queue of their own. On that of the services, the worker would
    receive the services' tasks as well.

    Args:
        run: runs the worker with these options.
    """
    queue = f"{settings.task_queue}-apart"
    ours = temporal_activities(client, settings, {}, ThreadPoolExecutor(1))
    routed = _Routed(queue, {activity_name(each) for each in ours})
    async with (
        Worker(client, task_queue=queue, activities=ours),
        run(activities=ours, no_remote_activities=True, interceptors=[routed]) as worker,
    ):
        yield worker


class _Routed(Interceptor):
    """Interceptor that has workflows call some activities on another task queue."""

    def __init__(self, task_queue: str, activities: Collection[str]) -> None:
        self._task_queue = task_queue
        self._activities = set(activities)

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        apart = self

        class Inbound(WorkflowInboundInterceptor):
            def init(self, outbound: WorkflowOutboundInterceptor) -> None:
                super().init(apart.around(outbound))

        return Inbound

    def around(self, outbound: WorkflowOutboundInterceptor) -> WorkflowOutboundInterceptor:
        """Return the same, but for the task queue of those activities."""
        apart = self

        class Outbound(WorkflowOutboundInterceptor):
            def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
                if input.activity in apart._activities:
                    input.task_queue = apart._task_queue
                return super().start_activity(input)

        return Outbound(outbound)
