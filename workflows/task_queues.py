"""Task queues of the services' activities, which the deployment chooses and no saga knows."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import workflow
from temporalio.worker import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput

_ROUTE = "order_saga_task_queue_of"


class ServiceTaskQueues(Interceptor):
    """Interceptor that tells workflows which services have a task queue of their own.

    A replay does not compare the task queue of an activity, so it may change while orders run.
    """

    def __init__(self, queues: Mapping[str, str]) -> None:
        """Take the task queues by service; the other services use the workflow's task queue."""
        self._queues = dict(queues)

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """See base class."""
        # The sandbox loads this module a second time, so a module global would not arrive there.
        input.unsafe_extern_functions[_ROUTE] = self._queues.get
        return None


def task_queue_of(service: str | None) -> str | None:
    """Return the task queue of a service's activities; None means the workflow's task queue."""
    route = workflow.extern_functions().get(_ROUTE)
    queue = route(service) if route and service else None
    return queue if isinstance(queue, str) else None
