"""Handles on runs, and the server's description of each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.exceptions import FailureError
from temporalio.service import RPCError, RPCStatusCode

from messages.sagas import SagaSucceeded
from messages.text import phrase

#: Whichever workflow it is: queries and updates go by the names that both kinds share.
Handle = WorkflowHandle[Any, SagaSucceeded]

#: For one call that the server answers by itself.
SERVER_TIMEOUT = timedelta(seconds=10)
#: For one call that a worker has to answer.
WORKER_TIMEOUT = timedelta(seconds=5)

#: An order in one of these is not placed again.
STANDS = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED)


def run_of(client: Client, workflow_id: str, run_id: str | None) -> Handle:
    """Return a handle that means this run, and no later one of the same order."""
    return client.get_workflow_handle(workflow_id, run_id=run_id, result_type=SagaSucceeded)


async def description(
    client: Client, workflow_id: str, run_id: str | None = None
) -> WorkflowExecutionDescription | None:
    """Describe a run, by default the newest one; None when Temporal knows none."""
    try:
        return await run_of(client, workflow_id, run_id).describe(rpc_timeout=SERVER_TIMEOUT)
    except RPCError as error:
        # The latter: no run can have an id like that, say an empty one.
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            return None
        raise


def first_run_id(run: WorkflowExecution) -> str:
    """Return the id under which the services know the run and all that resets make of it."""
    return run.raw_info.first_run_id or run.run_id


def reason(error: BaseException) -> str:
    """Say why a call about a run failed, as a part of a line."""
    said = error.message if isinstance(error, FailureError) else str(error)
    return phrase(said) or type(error).__name__
