"""Workflow tasks that are lost after a local activity had its effect."""

from __future__ import annotations

from collections import Counter
from typing import Any

from temporalio import workflow
from temporalio.worker import (
    Interceptor,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle

_ERROR_OF_TASK = "_current_activation_error"


class LosesTasks(Interceptor):
    """Interceptor that fails a workflow task when a local activity has ended in it.

    As if the worker had been killed: nothing of the task is recorded, and it is repeated.
    """

    def __init__(self) -> None:
        self._left: Counter[str] = Counter()

    def after(self, activity: str, *, times: int) -> None:
        """Lose the next tasks in which the activity ends."""
        self._left[activity] = times

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        losing = self

        class Inbound(WorkflowInboundInterceptor):
            def init(self, outbound: WorkflowOutboundInterceptor) -> None:
                super().init(_losing(losing, outbound))

        return Inbound

    def has_to_lose(self, activity: str) -> bool:
        """Tell whether the task is to be lost; it is then."""
        if not self._left[activity]:
            return False
        self._left[activity] -= 1
        return True


def _losing(
    losing: LosesTasks, outbound: WorkflowOutboundInterceptor
) -> WorkflowOutboundInterceptor:
    class Outbound(WorkflowOutboundInterceptor):
        def start_local_activity(self, input: StartLocalActivityInput) -> ActivityHandle[Any]:
            handle = super().start_local_activity(input)
            handle.add_done_callback(lambda _: _end(losing, input.activity))
            return handle

    return Outbound(outbound)


def _end(losing: LosesTasks, activity: str) -> None:
    if losing.has_to_lose(activity):
        # An exception in a callback, or in any task of the workflow, may be caught on its way.
        setattr(workflow._Runtime.current(), _ERROR_OF_TASK, RuntimeError("lost by a test"))
