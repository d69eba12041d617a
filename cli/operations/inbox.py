"""``inbox``: the orders that wait for an operator."""

from __future__ import annotations

import asyncio
from datetime import datetime

from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from cli.following import look
from cli.output import Output
from cli.render import say_how_to_resolve
from cli.runs import SERVER_TIMEOUT, nobody_answers, order_id_of, run_of
from messages.base import Message
from messages.sagas import SagaView, StepState
from runtime.client import ensure_search_attribute
from runtime.exits import ExitCode

PARKED = 'SagaStatus = "NEEDS_INTERVENTION" AND ExecutionStatus = "Running"'
_QUESTIONS_AT_ONCE = 20


class ParkedOrder(Message):
    """An order whose undoing cannot go on by itself."""

    order_id: str
    run_id: str
    #: Since when it waits, and where it stands; None when no worker told.
    since: datetime | None = None
    saga: SagaView | None = None


async def inbox(client: Client, output: Output) -> ExitCode:
    """List the parked orders, each with what an operator can do about it."""
    await ensure_search_attribute(client)
    found = [run async for run in client.list_workflows(PARKED, rpc_timeout=SERVER_TIMEOUT)]
    gate = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
    parked = await asyncio.gather(*(_look_into(client, run, gate) for run in found))
    for order in parked:
        _show(order, output)
    if any(order.saga is None for order in parked):
        output.line(str(nobody_answers(found[0].task_queue)), "yellow")
    if not parked:
        output.line("✔ No order waits for an operator.", "green")
    output.document([*parked])
    return ExitCode.SUCCESS


async def _look_into(
    client: Client, run: WorkflowExecution, gate: asyncio.Semaphore
) -> ParkedOrder:
    order = ParkedOrder(order_id=order_id_of(run.id), run_id=run.run_id)
    async with gate:
        try:
            saga = await look(run_of(client, run.id, run.run_id))
        except RPCError as error:
            if nobody_answers(run.task_queue, error) is error:
                raise
            saga = None
    if saga is None:
        return order
    waiting = [s.ended_at for s in saga.steps if s.state is StepState.NEEDS_INTERVENTION]
    since = min((at for at in waiting if at), default=None)
    return order.model_copy(update={"saga": saga, "since": since})


def _show(order: ParkedOrder, output: Output) -> None:
    since = f" since {order.since:%Y-%m-%d %H:%M:%S} UTC" if order.since else ""
    output.line(f"Order {order.order_id} waits{since}, run {order.run_id}", "bold")
    if order.saga is not None:
        output.line(f"  It turned back: {order.saga.error}")
        say_how_to_resolve(order.order_id, order.saga, output)
    output.line("")
