"""The runs of order sagas, as Temporal keeps them."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

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
from messages.base import Message
from messages.ids import order_saga_id
from messages.orders import Order
from messages.sagas import SagaRolledBack, SagaSucceeded
from workflows.orchestration.order_saga import OrderSaga

Handle = WorkflowHandle[OrderSaga, SagaSucceeded]

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
    return client.get_workflow_handle_for(OrderSaga.run, workflow_id, run_id=run_id)


def order_id_of(workflow_id: str) -> str:
    """The order of a saga: :func:`messages.ids.order_saga_id` backwards."""
    return workflow_id.removeprefix(order_saga_id(""))


async def latest_run(client: Client, order_id: str) -> WorkflowExecutionDescription:
    """The newest run of the order's saga.

    Raises:
        BadInput: there is none.
    """
    try:
        return await run_of(client, order_saga_id(order_id), None).describe(
            rpc_timeout=SERVER_TIMEOUT
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise BadInput(f"no order {order_id!r} was placed") from None
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
