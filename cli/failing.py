"""Runs that cannot continue because their workflow task keeps failing."""

from __future__ import annotations

from typing import NamedTuple

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.service import RPCError, RPCStatusCode

from runs.descriptions import SERVER_TIMEOUT, reason
from runtime.encryption import UnknownKey

_CONTINUES = "and within some minutes the run continues by itself"
#: Remedy for a worker whose code cannot go on with the run.
REMEDY = f"fix the worker's code or roll it back (docs/changing-workflows.md), {_CONTINUES}"
#: Remedy for a worker that does not have the key of a payload.
KEY_REMEDY = f"add the key to the workers' key file, and start them again, {_CONTINUES}"
#: Newest events that are searched for the failure. Only signals and updates can follow it.
_LOOKED_AT = 50
#: Up to this attempt, a timeout may only mean that a worker was killed.
_KILLED = 2


class FailingTask(NamedTuple):
    """Workflow task that keeps failing, so that its run cannot continue."""

    reason: str
    attempt: int
    remedy: str = REMEDY

    def __str__(self) -> str:
        return f"its workflow task fails: {self.reason} (attempt {self.attempt})"


_SEE_HISTORY = "see its history for the reason"


async def failing_task(
    client: Client, described: WorkflowExecutionDescription
) -> FailingTask | None:
    """Return the failing workflow task of a described run; None when it has none."""
    attempt = described.raw_description.pending_workflow_task.attempt
    if attempt <= 1:
        return None
    why = await _last_failure(client, described, attempt)
    return FailingTask(why[0], attempt, why[1]) if why else None


async def _last_failure(
    client: Client, described: WorkflowExecutionDescription, attempt: int
) -> tuple[str, str] | None:
    """Return the reason and the remedy; None if nothing is certain yet."""
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
        # The failure is certain, so the output need not wait for its reason.
        return _SEE_HISTORY, REMEDY
    for event in answer.history.events:
        if event.HasField("workflow_task_failed_event_attributes"):
            return await _why(client, event)
        if event.HasField("workflow_task_timed_out_event_attributes"):
            return ("no worker completes it in time", REMEDY) if attempt > _KILLED else None
    return _SEE_HISTORY, REMEDY


async def _why(client: Client, event: HistoryEvent) -> tuple[str, str]:
    failed = event.workflow_task_failed_event_attributes
    cause = WorkflowTaskFailedCause.Name(failed.cause).removeprefix("WORKFLOW_TASK_FAILED_CAUSE_")
    failure = failed.failure
    lacks_a_key = failure.application_failure_info.type == UnknownKey.__name__
    try:
        said = reason(await client.data_converter.decode_failure(failure))
    except UnknownKey as error:
        said = str(error)
    return said or cause, KEY_REMEDY if lacks_a_key else REMEDY
