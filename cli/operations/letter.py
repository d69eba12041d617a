"""``resolve`` for an event that could not be delivered."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone

from temporalio.client import Client, WorkflowExecutionDescription

from cli.command_lines import command
from cli.errors import OperationRefused
from cli.finding import find_if_any
from cli.letters import dead_letters_of
from cli.modes import Mode
from cli.operations.update import send_update
from cli.output import Output
from cli.run_queries import SILENCE, ask, why_silent
from messages import wire
from messages.deliveries import DeliveryState, DeliveryView, ResolveDeadLetter
from messages.marks import DONE, FAILED
from runs.descriptions import Handle, description, run_of
from runtime.exits import ExitCode

_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


async def resolve_letter(
    client: Client,
    task_queue: str,
    named: str,
    letter: str,
    decision: ResolveDeadLetter,
    output: Output,
) -> ExitCode:
    """Decide on a dead letter; succeed when the event is delivered or discarded.

    Args:
        letter: ``<event type>/<subscriber>``, as the inbox names it.

    Raises:
        OperationRefused: the order has no such dead letter, or no worker answers.
    """
    found = await find_if_any(client, Mode.CHOREOGRAPHY, named)
    order_id = found.order_id if found else named
    delivery = await _delivery(client, task_queue, order_id, letter)
    run = run_of(client, delivery.id, delivery.run_id)
    await send_update(client, run, wire.RESOLVE_DEAD_LETTER, decision, delivery)
    view = await _result(client, run, task_queue)
    output.document(view)
    if view.state is DeliveryState.PARKED:
        output.sentence(
            f"{FAILED} {letter} was delivered again, and failed: {view.error}", "bold red"
        )
        return ExitCode.ROLLED_BACK
    output.line(f"{DONE} {letter} is {view.state.value}", "green")
    output.line(f"  {command('status', order_id, *Mode.CHOREOGRAPHY.options)}")
    return ExitCode.SUCCESS


async def _delivery(
    client: Client, task_queue: str, order_id: str, letter: str
) -> WorkflowExecutionDescription:
    letters = await dead_letters_of(client, task_queue, order_id)
    named = [found for found in letters if found.name == letter]
    if not named:
        waiting = ", ".join(sorted({found.name for found in letters})) or "none"
        raise OperationRefused(
            f"order {order_id!r} has no dead letter {letter!r} (waiting: {waiting})"
        )
    # If several runs of the order have it, the operator probably means the open or newest one.
    newest = max(named, key=lambda found: (found.blocks_order, found.since or _LONG_AGO))
    found = await description(client, newest.delivery_id)
    if found is None:
        raise OperationRefused(f"the delivery of {letter} to order {order_id!r} is gone")
    return found


async def _result(client: Client, run: Handle, task_queue: str) -> DeliveryView:
    """Wait until the event is delivered, discarded, or parked again."""
    while True:
        try:
            view = await ask(run, wire.STATUS, DeliveryView)
        except SILENCE as error:
            why = await why_silent(client, run, task_queue, error)
            raise OperationRefused(f"{run.id} has accepted the decision, but {why}") from None
        if view.state is not DeliveryState.DELIVERING:
            return view
        await asyncio.sleep(0.1)
