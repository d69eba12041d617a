"""Sending a saga an update, and telling why it was not taken."""

from __future__ import annotations

from temporalio.client import (
    WorkflowExecutionDescription,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import FailureError
from temporalio.service import RPCError, RPCStatusCode

from cli.errors import OperationRefused
from cli.runs import WORKER_TIMEOUT, Handle
from messages.base import Message


async def send_update(
    run: Handle,
    update: str,
    request: Message,
    latest: WorkflowExecutionDescription,
) -> None:
    """Send the update and wait until the workflow has taken it.

    Raises:
        OperationRefused: the saga refused it, is closed, or no worker answered.
    """
    try:
        await run.execute_update(update, request, rpc_timeout=WORKER_TIMEOUT)
    except WorkflowUpdateFailedError as error:
        raise OperationRefused(f"{run.id} refused: {_reason(error.cause)}") from None
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        # The server keeps it, and gives it to the next worker that comes.
        raise OperationRefused(
            f"{run.id} has not answered: no worker on task queue {latest.task_queue!r}?"
            " It may still take the request when one comes (python worker.py); see its status"
        ) from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise OperationRefused(f"{run.id} is closed already") from None
        raise


def _reason(cause: BaseException) -> str:
    return cause.message if isinstance(cause, FailureError) else str(cause)
