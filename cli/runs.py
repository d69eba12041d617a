"""The runs of order sagas, as Temporal keeps them."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal

from pydantic import ValidationError
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.exceptions import (
    ApplicationError,
    CancelledError,
    TerminatedError,
    TimeoutError,
)
from temporalio.service import RPCError, RPCStatusCode

from cli.errors import brief, reason
from messages.base import Message
from messages.orders import Order
from messages.sagas import SagaRolledBack, SagaSucceeded
from runtime.inputs import decoded, start_of

# Whichever workflow it is: queries and updates go by the names that both kinds share.
Handle = WorkflowHandle[Any, SagaSucceeded]

#: For one call that the server answers by itself.
SERVER_TIMEOUT = timedelta(seconds=10)
#: For one call that a worker has to answer.
WORKER_TIMEOUT = timedelta(seconds=5)


_Closed = Literal["COMPLETED", "FAILED", "CANCELLED", "TERMINATED", "TIMED_OUT"]
_CLOSED_AS: dict[WorkflowExecutionStatus, _Closed] = {
    WorkflowExecutionStatus.COMPLETED: "COMPLETED",
    WorkflowExecutionStatus.CANCELED: "CANCELLED",
    WorkflowExecutionStatus.TERMINATED: "TERMINATED",
    WorkflowExecutionStatus.TIMED_OUT: "TIMED_OUT",
}


#: An order in one of these is not placed again.
STANDS = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED)


class BrokenOff(Message):
    """The run ended without a result that can be read.

    It was terminated from outside, or its input was no order, or nobody knows what it says.
    """

    saga_id: str
    status: _Closed
    error: str


Outcome = SagaSucceeded | SagaRolledBack | BrokenOff


def run_of(client: Client, workflow_id: str, run_id: str | None) -> Handle:
    """A handle that means this run, and no later one of the same order."""
    return client.get_workflow_handle(workflow_id, run_id=run_id, result_type=SagaSucceeded)


async def description(
    client: Client, workflow_id: str, run_id: str | None = None
) -> WorkflowExecutionDescription | None:
    """What Temporal knows of a run, by default the newest one; None when it knows none."""
    try:
        return await run_of(client, workflow_id, run_id).describe(rpc_timeout=SERVER_TIMEOUT)
    except RPCError as error:
        # The latter: no run can have an id like that, say an empty one.
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            return None
        raise


async def outcome(run: Handle) -> Outcome:
    """Wait until the run is closed and say what became of it."""
    try:
        result: object = await run.result()
    except WorkflowFailureError as failure:
        return await _failed(run, failure.cause)
    except RPCError:
        raise
    except Exception as error:  # whatever decoding raises
        return await _unreadable(run, reason(error))
    if isinstance(result, SagaSucceeded):
        return result
    return await _unreadable(run, f"it is {brief(repr(result))}")


async def _failed(run: Handle, cause: BaseException) -> Outcome:
    if isinstance(cause, ApplicationError):
        rolled_back = _rolled_back(cause.details[0] if cause.details else None)
        return rolled_back or BrokenOff(saga_id=run.id, status="FAILED", error=cause.message)
    if isinstance(cause, CancelledError):
        rolled_back = _rolled_back(await _kept(run))
        return rolled_back or BrokenOff(saga_id=run.id, status="CANCELLED", error="no result kept")
    if isinstance(cause, TerminatedError):
        return BrokenOff(saga_id=run.id, status="TERMINATED", error=cause.message)
    if isinstance(cause, TimeoutError):
        return BrokenOff(saga_id=run.id, status="TIMED_OUT", error=cause.message)
    return BrokenOff(saga_id=run.id, status="FAILED", error=str(cause))


async def _kept(run: Handle) -> object:
    """What a run closed as Canceled left in its memo, as it can carry no result."""
    described = await run.describe(rpc_timeout=SERVER_TIMEOUT)
    with suppress(Exception):  # whatever decoding raises
        return await described.memo_value("result", None)
    return None


async def _unreadable(run: Handle, why: str) -> BrokenOff:
    status = (await run.describe(rpc_timeout=SERVER_TIMEOUT)).status
    return BrokenOff(
        saga_id=run.id,
        status=_CLOSED_AS.get(status, "FAILED") if status else "FAILED",
        error=f"its result cannot be read: {why}",
    )


async def start_input(client: Client, run: Handle) -> Order | None:
    """The order that the run was started with; None when it was started with no order."""
    started = await start_of(run)
    return None if started is None else await decoded(client, started.input, Order)


def _rolled_back(detail: object) -> SagaRolledBack | None:
    try:
        return SagaRolledBack.model_validate(detail)
    except ValidationError:
        return None
