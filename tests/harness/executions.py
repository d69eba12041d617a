"""What Temporal says of a workflow, whoever's it is."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    DeleteWorkflowExecutionRequest,
    ResetWorkflowExecutionRequest,
)
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowHandle
from temporalio.exceptions import ActivityError, FailureError
from temporalio.service import RPCError, RPCStatusCode

from workflows.progress import SAGA_STATUS_KEY

AnyHandle = WorkflowHandle[Any, Any]


def is_parked(run: WorkflowExecutionDescription) -> bool:
    """Whether it is open and listed for an operator."""
    return run.typed_search_attributes.get(SAGA_STATUS_KEY) == "NEEDS_INTERVENTION"


def has_failed_once(run: WorkflowExecutionDescription) -> bool:
    """Whether an activity of it is being tried again."""
    return any(a.HasField("last_failure") for a in run.raw_description.pending_activities)


async def scheduled(handle: AnyHandle) -> list[str]:
    """The activities of a workflow, in the order in which it began them."""
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]


async def terminate(handle: AnyHandle) -> None:
    """End a workflow, unless it is over."""
    try:
        await handle.terminate("the check is over")
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


async def forget(client: Client, handle: AnyHandle) -> None:
    """Have Temporal forget the latest run of a workflow, as it does when its retention is over."""
    execution = WorkflowExecution(workflow_id=handle.id, run_id=(await handle.describe()).run_id)
    await client.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
    )
    while await is_known(handle):  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.05)


async def is_known(handle: AnyHandle) -> bool:
    """Whether Temporal knows the workflow."""
    try:
        await handle.describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


async def reset(client: Client, handle: AnyHandle) -> None:
    """``temporal workflow reset --type FirstWorkflowTask``, of the latest run."""
    execution = WorkflowExecution(workflow_id=handle.id, run_id=(await handle.describe()).run_id)
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=execution,
            reason="test",
            request_id=str(uuid.uuid4()),
            workflow_task_finish_event_id=4,
        )
    )


def told(error: BaseException | None) -> list[str]:
    """What a failure says, with all that it was caused by."""
    said = []
    while isinstance(error, FailureError):
        said.append(error.message)
        if isinstance(error, ActivityError):
            said.append(error.activity_type)
        error = error.cause
    return said
