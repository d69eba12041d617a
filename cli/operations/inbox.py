"""``inbox``: whatever waits for an operator, of either kind of saga."""

from __future__ import annotations

import asyncio
from datetime import datetime

from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from cli.following import look
from cli.letters import PARKED, DeadLetter, dead_letters, say_letters
from cli.modes import Mode
from cli.output import Output
from cli.render import say_how_to_resolve
from cli.runs import SERVER_TIMEOUT, nobody_answers, run_of
from messages.base import Message
from messages.sagas import SagaView, StepState
from runtime.client import ensure_search_attribute
from runtime.exits import ExitCode

_QUESTIONS_AT_ONCE = 20


class ParkedOrder(Message):
    """An order whose undoing cannot go on by itself."""

    mode: Mode = Mode.ORCHESTRATION
    order_id: str
    run_id: str
    #: Since when it waits, and where it stands; None when no worker told.
    since: datetime | None = None
    saga: SagaView | None = None


class ParkedEvent(DeadLetter):
    """An event that cannot be delivered."""

    mode: Mode = Mode.CHOREOGRAPHY


async def inbox(client: Client, output: Output) -> ExitCode:
    """List what is parked, each with what an operator can do about it."""
    await ensure_search_attribute(client)
    orders = await _parked_orders(client, output)
    letters = await dead_letters(client)
    for order in orders:
        _show(order, output)
    for letter in letters:
        _show_letter(letter, output)
    if not orders and not letters:
        output.line("✔ No order waits for an operator.", "green")
    output.document([*orders, *(ParkedEvent(**dict(letter)) for letter in letters)])
    return ExitCode.SUCCESS


async def _parked_orders(client: Client, output: Output) -> list[ParkedOrder]:
    query = f'{PARKED} AND WorkflowType = "{Mode.ORCHESTRATION.workflow}"'
    found = [run async for run in client.list_workflows(query, rpc_timeout=SERVER_TIMEOUT)]
    gate = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
    parked = await asyncio.gather(*(_look_into(client, run, gate) for run in found))
    if any(order.saga is None for order in parked):
        output.line(str(nobody_answers(found[0].task_queue)), "yellow")
    return parked


async def _look_into(
    client: Client, run: WorkflowExecution, gate: asyncio.Semaphore
) -> ParkedOrder:
    order = ParkedOrder(order_id=Mode.ORCHESTRATION.order_id(run.id), run_id=run.run_id)
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
    output.line(f"Order {order.order_id} waits{_since(order.since)}, run {order.run_id}", "bold")
    if order.saga is not None:
        output.line(f"  It turned back: {order.saga.error}")
        say_how_to_resolve(order.order_id, order.saga, output)
    output.line("")


def _show_letter(letter: DeadLetter, output: Output) -> None:
    output.line(
        f"An event of order {letter.order_id} waits{_since(letter.since)}, run {letter.run_id}",
        "bold",
    )
    say_letters([letter], output)
    output.line("")


def _since(at: datetime | None) -> str:
    return f" since {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
