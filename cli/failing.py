"""Runs that cannot go on because their workflow task fails again and again."""

from __future__ import annotations

from typing import NamedTuple

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.service import RPCError, RPCStatusCode

from messages.text import phrase
from runs.descriptions import SERVER_TIMEOUT, Handle, description

#: What helps; nothing is to be typed after it.
MEND = (
    "mend the worker's code or roll it back (docs/changing-workflows.md), and within some minutes"
    " the run goes on by itself"
)
#: Events among which the failure is looked for; while it repeats, only what is sent comes after.
_LOOKED_AT = 50
#: A worker that was killed leaves its task to a second attempt.
_KILLED = 2


class FailingTask(NamedTuple):
    """The workflow task that a run does not get past."""

    reason: str
    attempt: int

    def __str__(self) -> str:
        return f"its workflow task fails: {self.reason} (attempt {self.attempt})"


async def failing_task_of(client: Client, run: Handle) -> FailingTask | None:
    """The failing task of a run that may have one."""
    described = await description(client, run.id, run.run_id)
    return await failing_task(client, described) if described else None


_SEE_HISTORY = "for a reason that its history tells"


async def failing_task(
    client: Client, described: WorkflowExecutionDescription
) -> FailingTask | None:
    """Why the run's workflow task fails; None when it does not."""
    attempt = described.raw_description.pending_workflow_task.attempt
    if attempt <= 1:
        return None
    why = await _last_failure(client, described, attempt)
    return FailingTask(why, attempt) if why else None


async def _last_failure(
    client: Client, described: WorkflowExecutionDescription, attempt: int
) -> str | None:
    try:
        answer = await client.workflow_service.get_workflow_execution_history_reverse(
            GetWorkflowExecutionHistoryReverseRequest(
                namespace=client.namespace,
                execution=WorkflowExecution(workflow_id=described.id, run_id=described.run_id),
                maximum_page_size=_LOOKED_AT,
            ),
            timeout=SERVER_TIMEOUT,
        )
    except RPCError as error:
        if error.status is RPCStatusCode.UNAVAILABLE:
            raise
        return _SEE_HISTORY  # that it fails is known; nobody else has to wait for the reason
    for event in answer.history.events:
        if event.HasField("workflow_task_failed_event_attributes"):
            return _why(event)
        if event.HasField("workflow_task_timed_out_event_attributes"):
            return "no worker gets it done in time" if attempt > _KILLED else None
    return _SEE_HISTORY


def _why(event: HistoryEvent) -> str:
    failed = event.workflow_task_failed_event_attributes
    cause = WorkflowTaskFailedCause.Name(failed.cause).removeprefix("WORKFLOW_TASK_FAILED_CAUSE_")
    return phrase(failed.failure.message) or cause
