"""What Temporal says of a workflow, whoever's it is."""

from __future__ import annotations

from typing import Any

from temporalio.client import WorkflowExecutionDescription, WorkflowHandle
from temporalio.exceptions import ActivityError, FailureError
from temporalio.service import RPCError, RPCStatusCode

from workflows.progress import SAGA_STATUS

AnyHandle = WorkflowHandle[Any, Any]


def is_parked(run: WorkflowExecutionDescription) -> bool:
    """Whether it is open and listed for an operator."""
    return run.typed_search_attributes.get(SAGA_STATUS) == "NEEDS_INTERVENTION"


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


def told(error: BaseException | None) -> list[str]:
    """What a failure says, with all that it was caused by."""
    said = []
    while isinstance(error, FailureError):
        said.append(error.message)
        if isinstance(error, ActivityError):
            said.append(error.activity_type)
        error = error.cause
    return said
