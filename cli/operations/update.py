"""Updates to a saga, and the reasons why an update was not accepted."""

from __future__ import annotations

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import RawValue
from temporalio.service import RPCError, RPCStatusCode

from cli.errors import OperationRefused
from cli.run_queries import why_silent, why_stuck
from messages.base import Message
from runs.descriptions import WORKER_TIMEOUT, Handle, reason
from runtime.programs import program


async def send_update(
    client: Client,
    run: Handle,
    update: str,
    request: Message,
    latest: WorkflowExecutionDescription,
) -> None:
    """Send the update and wait until the workflow has accepted it.

    Raises:
        OperationRefused: the saga refused it, is closed, or no worker answered.
    """
    try:
        # The answer is not used, so it need not be readable.
        await run.execute_update(update, request, result_type=RawValue, rpc_timeout=WORKER_TIMEOUT)
    except WorkflowUpdateFailedError as error:
        raise OperationRefused(f"{run.id} refused: {reason(error.cause)}") from None
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise OperationRefused(await _why_late(client, run, latest.task_queue)) from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise OperationRefused(f"{run.id} is closed already") from None
        why = await why_silent(client, run, latest.task_queue, error)
        raise OperationRefused(f"{run.id} does not accept it: {why}") from None


async def _why_late(client: Client, run: Handle, task_queue: str) -> str:
    # The server keeps the update and gives it to the next worker that starts.
    why = await why_stuck(client, run)
    if why is not None:
        return f"{run.id} has not answered: {why}. It may still accept the request then"
    return (
        f"{run.id} has not answered: no worker on task queue {task_queue!r}?"
        f" It may still accept the request when one starts ({program('worker.py')}); see its status"
    )
