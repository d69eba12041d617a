"""Handles on runs, and the server's descriptions of them."""

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

#: Handle on a run of any workflow: both kinds of saga have the same queries and updates.
Handle = WorkflowHandle[Any, SagaSucceeded]

#: Timeout of a call that the server answers by itself.
SERVER_TIMEOUT = timedelta(seconds=10)
#: Timeout of a call that a worker has to answer.
WORKER_TIMEOUT = timedelta(seconds=5)

#: Statuses of a run whose order is not placed again.
STANDS = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED)


def run_of(client: Client, workflow_id: str, run_id: str | None) -> Handle:
    """Return a handle on exactly this run, never on a later run of the same order."""
    return client.get_workflow_handle(workflow_id, run_id=run_id, result_type=SagaSucceeded)


async def description(
    client: Client, workflow_id: str, run_id: str | None = None
) -> WorkflowExecutionDescription | None:
    """Describe a run, by default the newest one; return None when Temporal knows no such run."""
    try:
        return await run_of(client, workflow_id, run_id).describe(rpc_timeout=SERVER_TIMEOUT)
    except RPCError as error:
        # INVALID_ARGUMENT means that no run can have such an id, for example an empty one.
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            return None
        raise


def first_run_id(run: WorkflowExecution) -> str:
    """Return the first run id of the chain; the services know all runs of the chain by it."""
    return run.raw_info.first_run_id or run.run_id


def reason(error: BaseException) -> str:
    """Return the reason why a call about a run failed, as a part of a line."""
    said = error.message if isinstance(error, FailureError) else str(error)
    return phrase(said) or type(error).__name__
