"""The runs of order sagas, as Temporal keeps them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import ValidationError
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
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

from cli.errors import BadInput, OperationRefused
from cli.modes import Mode
from messages.base import Message
from messages.orders import Order
from messages.sagas import SagaRolledBack, SagaSucceeded

# Whichever workflow it is: queries and updates go by the names that both kinds share.
Handle = WorkflowHandle[Any, SagaSucceeded]

#: For one call that the server answers by itself.
SERVER_TIMEOUT = timedelta(seconds=10)
#: For one call that a worker has to answer.
WORKER_TIMEOUT = timedelta(seconds=5)


class BrokenOff(Message):
    """The run ended without a result: terminated from outside, or its input was no order."""

    saga_id: str
    status: Literal["FAILED", "CANCELLED", "TERMINATED", "TIMED_OUT"]
    error: str


Outcome = SagaSucceeded | SagaRolledBack | BrokenOff


def run_of(client: Client, workflow_id: str, run_id: str | None) -> Handle:
    """A handle that means this run, and no later one of the same order."""
    return client.get_workflow_handle(workflow_id, run_id=run_id, result_type=SagaSucceeded)


async def latest_run(client: Client, mode: Mode, order_id: str) -> WorkflowExecutionDescription:
    """The newest run of the order's saga.

    Raises:
        BadInput: there is none.
    """
    found = await description(client, mode.saga_id(order_id))
    if found is not None:
        return found
    for other in Mode:
        if other is not mode and await description(client, other.saga_id(order_id)):
            raise BadInput(f"order {order_id!r} was placed with --mode {other.value}")
    raise BadInput(f"no order {order_id!r} was placed")


async def description(
    client: Client, workflow_id: str, run_id: str | None = None
) -> WorkflowExecutionDescription | None:
    """What Temporal knows of a run, by default the newest one; None when it knows none."""
    try:
        return await run_of(client, workflow_id, run_id).describe(rpc_timeout=SERVER_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def outcome(run: Handle) -> Outcome:
    """Wait until the run is closed and say what became of it."""
    try:
        return await run.result()
    except WorkflowFailureError as failure:
        cause = failure.cause
    if isinstance(cause, ApplicationError):
        rolled_back = _rolled_back(cause.details[0] if cause.details else None)
        return rolled_back or BrokenOff(saga_id=run.id, status="FAILED", error=cause.message)
    if isinstance(cause, CancelledError):
        # A run closed as Canceled carries no result, so the saga left it in the memo.
        kept = (await run.describe(rpc_timeout=SERVER_TIMEOUT)).memo_value
        rolled_back = _rolled_back(await kept("result", None))
        return rolled_back or BrokenOff(saga_id=run.id, status="CANCELLED", error="no result kept")
    if isinstance(cause, TerminatedError):
        return BrokenOff(saga_id=run.id, status="TERMINATED", error=cause.message)
    if isinstance(cause, TimeoutError):
        return BrokenOff(saga_id=run.id, status="TIMED_OUT", error=cause.message)
    return BrokenOff(saga_id=run.id, status="FAILED", error=str(cause))


async def start_input(client: Client, run: Handle) -> Order | None:
    """The order that the run was started with; None when it was started with no order."""
    async for event in run.fetch_history_events(page_size=1, rpc_timeout=SERVER_TIMEOUT):
        payloads = event.workflow_execution_started_event_attributes.input.payloads
        try:
            decoded = await client.data_converter.decode(payloads, [Order])
        except (ApplicationError, RuntimeError):
            return None
        return decoded[0] if decoded and isinstance(decoded[0], Order) else None
    return None


def _rolled_back(detail: object) -> SagaRolledBack | None:
    try:
        return SagaRolledBack.model_validate(detail)
    except ValidationError:
        return None


def nobody_answers(task_queue: str, error: RPCError | None = None) -> Exception:
    """What to raise when a call that a worker has to answer was not answered."""
    if error is not None and error.status is RPCStatusCode.UNAVAILABLE:
        return error
    return OperationRefused(
        f"no worker answers on task queue {task_queue!r}, and the order is open;"
        " start one: python worker.py"
    )
