"""Results of closed runs, and the ends of runs without a result."""

from __future__ import annotations

from typing import Literal

from pydantic import ValidationError
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import (
    ApplicationError,
    CancelledError,
    FailureError,
    TerminatedError,
    TimeoutError,
)
from temporalio.service import RPCError

from messages.base import Message
from messages.sagas import SagaRolledBack, SagaSucceeded
from messages.text import phrase
from messages.wire import RESULT_MEMO
from runs.descriptions import SERVER_TIMEOUT, Handle, reason

_Closed = Literal["COMPLETED", "FAILED", "CANCELLED", "TERMINATED", "TIMED_OUT"]
_CLOSED_AS: dict[WorkflowExecutionStatus, _Closed] = {
    WorkflowExecutionStatus.COMPLETED: "COMPLETED",
    WorkflowExecutionStatus.CANCELED: "CANCELLED",
    WorkflowExecutionStatus.TERMINATED: "TERMINATED",
    WorkflowExecutionStatus.TIMED_OUT: "TIMED_OUT",
}


class BrokenOff(Message):
    """End of a run without a result that can be read.

    The run was terminated, or its input was not an order, or its result cannot be decoded.
    """

    saga_id: str
    status: _Closed
    error: str


Outcome = SagaSucceeded | SagaRolledBack | BrokenOff


async def outcome(run: Handle) -> Outcome:
    """Wait until the run is closed, and return its outcome in any case."""
    try:
        result: object = await run.result()
    except WorkflowFailureError as failure:
        return await _outcome_of_failure(run, failure.cause)
    except RPCError:
        raise
    except Exception as error:  # decoding may raise any exception
        return await _unreadable(run, reason(error))
    if isinstance(result, SagaSucceeded):
        return result
    return await _unreadable(run, f"it is {phrase(repr(result))}")


async def rolled_back(run: Handle) -> SagaRolledBack | None:
    """Return the result of a run that closed as Failed or Canceled; None when it left none.

    If the result cannot be decoded, the exception of the SDK is raised, because such a run did
    leave a result.
    """
    try:
        await run.result()
    except WorkflowFailureError as failure:
        return await _result_in(run, failure.cause)
    return None


async def _result_in(run: Handle, cause: BaseException) -> SagaRolledBack | None:
    kept: object = None
    if isinstance(cause, ApplicationError) and cause.details:
        kept = cause.details[0]
    elif isinstance(cause, CancelledError):
        # A run closed as Canceled carries no result, so the saga left it in the memo.
        described = await run.describe(rpc_timeout=SERVER_TIMEOUT)
        kept = await described.memo_value(RESULT_MEMO, None)
    try:
        return SagaRolledBack.model_validate(kept)
    except ValidationError:
        return None


async def _outcome_of_failure(run: Handle, cause: BaseException) -> Outcome:
    try:
        result = await _result_in(run, cause)
    except RPCError:
        raise
    except Exception:  # decoding may raise any exception
        result = None
    return result or _broken_off(run.id, cause)


def _broken_off(saga_id: str, cause: BaseException) -> BrokenOff:
    if isinstance(cause, CancelledError):
        return BrokenOff(saga_id=saga_id, status="CANCELLED", error="no result kept")
    error = cause.message if isinstance(cause, FailureError) else str(cause)
    if isinstance(cause, TerminatedError):
        return BrokenOff(saga_id=saga_id, status="TERMINATED", error=error)
    if isinstance(cause, TimeoutError):
        return BrokenOff(saga_id=saga_id, status="TIMED_OUT", error=error)
    return BrokenOff(saga_id=saga_id, status="FAILED", error=error)


async def _unreadable(run: Handle, why: str) -> BrokenOff:
    status = (await run.describe(rpc_timeout=SERVER_TIMEOUT)).status
    return BrokenOff(
        saga_id=run.id,
        status=_CLOSED_AS.get(status, "FAILED") if status else "FAILED",
        error=f"its result cannot be read: {why}",
    )
