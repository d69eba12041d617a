"""Runs of workflows, whoever's they are: what Temporal says of them, and what is done to them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import (
    ResetReapplyExcludeType,
)
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import (
    DeleteWorkflowExecutionRequest,
    PauseWorkflowExecutionRequest,
    ResetWorkflowExecutionRequest,
)
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.converter import PayloadConverter
from temporalio.exceptions import ActivityError, FailureError
from temporalio.service import RPCError, RPCStatusCode

from messages.runs import RunRef
from tests.harness.waiting import until
from workflows.progress import SAGA_STATUS_KEY

Run = WorkflowHandle[Any, Any]

#: What a reset leaves out when the new run is to hear of nothing again.
EVERYTHING = (
    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL,
    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE,
    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_CANCEL_REQUEST,
)
Excluded = Sequence[ResetReapplyExcludeType.ValueType]


def first_run(handle: Run) -> str:
    """Return the id of the run that was begun with the handle, which its keys are made of."""
    return handle.first_execution_run_id or ""


def ref_of(handle: Run) -> RunRef:
    """Return how the ledgers call the run that was begun with the handle."""
    return RunRef(handle.id, first_run(handle))


async def resolve(
    handle: Run, action: str, step: str = "process_payment", note: str = "letter 4711"
) -> None:
    """Decide on a parked compensation, as an operator."""
    decision = {"step": step, "action": action, "operator": "ada", "note": note}
    await handle.execute_update("resolve_compensation", decision)


async def describe(handle: Run) -> WorkflowExecutionDescription | None:
    """Return Temporal's word on a run; None when it knows of none."""
    try:
        return await handle.describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def closed_as(handle: Run) -> WorkflowExecutionStatus | None:
    """Return Temporal's own word on how the run closed."""
    return (await handle.describe()).status


def is_parked(run: WorkflowExecutionDescription) -> bool:
    """Return True if the run is open and listed for an operator."""
    return run.typed_search_attributes.get(SAGA_STATUS_KEY) == "NEEDS_INTERVENTION"


def has_failed_once(run: WorkflowExecutionDescription) -> bool:
    """Return True if an activity of the run is being tried again."""
    return any(a.HasField("last_failure") for a in run.raw_description.pending_activities)


async def scheduled(handle: Run) -> list[str]:
    """Return the activities of a workflow, in the order in which it began them."""
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]


def came_with_the_answer(events: Sequence[HistoryEvent]) -> bool:
    """Tell whether the first task of a run came with the answer to its start."""
    return events[0].workflow_execution_started_event_attributes.eager_execution_accepted


def attempts_at_once(history: Iterable[HistoryEvent]) -> list[str]:
    """Return the summaries of the local activities, which the Web UI shows."""
    return [
        PayloadConverter.default.from_payload(event.user_metadata.summary, str)
        for event in history
        if event.HasField("marker_recorded_event_attributes")
        and event.marker_recorded_event_attributes.marker_name == "core_local_activity"
    ]


async def end(handle: Run) -> None:
    """Terminate a workflow, unless it is over."""
    try:
        await handle.terminate("the test is over")
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


async def terminate(client: Client, handle: Run) -> None:
    """Terminate a run, and wait until Temporal lists it as terminated."""
    await handle.terminate("test")
    query = f'WorkflowId = "{handle.id}" AND ExecutionStatus = "Terminated"'

    async def listed() -> bool:
        return (await client.count_workflows(query)).count == 1

    await until(listed)


async def pause(client: Client, handle: Run, **who_and_why: str) -> None:
    """Pause a run, as an operator."""
    await client.workflow_service.pause_workflow_execution(
        PauseWorkflowExecutionRequest(
            namespace=client.namespace, workflow_id=handle.id, **who_and_why
        )
    )


async def delete(client: Client, workflow_id: str, run_id: str) -> None:
    """Ask Temporal to delete a run, as it does by itself when the retention is over."""
    execution = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
    await client.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
    )


async def until_gone(client: Client, workflow_id: str, run_id: str) -> None:
    """Wait until Temporal does not know a run any more."""
    run = client.get_workflow_handle(workflow_id, run_id=run_id)

    async def gone() -> bool:
        return await describe(run) is None

    await until(gone)


async def forget(client: Client, handle: Run) -> None:
    """Delete the latest run of a workflow, and wait until Temporal does not know it."""
    run_id = (await handle.describe()).run_id
    await delete(client, handle.id, run_id)
    await until_gone(client, handle.id, run_id)


async def reset(
    client: Client, workflow_id: str, run_id: str, task: int = 1, exclude: Excluded = ()
) -> str | None:
    """Reset a run to the end of its nth workflow task: ``temporal workflow reset``.

    Args:
        task: the last one if there are fewer.
        exclude: what the new run is not told again.

    Returns:
        the id of the new run; None when no task was done that it could be reset to.
    """
    history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
    done = [
        event.event_id
        for event in history.events
        if event.HasField("workflow_task_completed_event_attributes")
    ]
    if not done:
        return None
    answer = await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            reason="test",
            request_id=str(uuid.uuid4()),
            workflow_task_finish_event_id=done[min(task, len(done)) - 1],
            reset_reapply_exclude_types=exclude,
        )
    )
    return answer.run_id


def said_by(error: BaseException | None) -> list[str]:
    """Return what a failure says, with all that it was caused by."""
    said = []
    while isinstance(error, FailureError):
        said.append(error.message)
        if isinstance(error, ActivityError):
            said.append(error.activity_type)
        error = error.cause
    return said
