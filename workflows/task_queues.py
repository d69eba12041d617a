"""Task queues of the services' activities: the deployment's business, not a saga's."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import workflow
from temporalio.worker import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput

_ROUTE = "order_saga_task_queue_of"


class ServiceTaskQueues(Interceptor):
    """Tells the workflows of a worker which services have a task queue of their own.

    A task queue is no part of what a replay compares, so it may change under running orders.
    """

    def __init__(self, queues: Mapping[str, str]) -> None:
        """``queues`` holds task queues by service; other services share the workflow's own."""
        self._queues = dict(queues)

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """See base class."""
        input.unsafe_extern_functions[_ROUTE] = self._queues.get
        return None


def task_queue_of(service: str | None) -> str | None:
    """Return the task queue of a service's activities; None means the workflow's own."""
    route = workflow.extern_functions().get(_ROUTE)
    queue = route(service) if route and service else None
    return queue if isinstance(queue, str) else None
