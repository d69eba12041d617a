"""Dead letters: events that could not be delivered and wait for an operator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus

from cli.command_lines import command
from cli.modes import Mode
from cli.output import Output
from cli.run_queries import SILENCE, ask, why_silent
from cli.unreadable import Unreadable
from messages import wire
from messages.base import Message
from messages.deliveries import DeliveryState, DeliveryView
from messages.ids import delivery_parts
from messages.marks import WAITS
from messages.text import printable
from runs.descriptions import description, first_run_id, run_of
from runs.listing import of_each, waiting
from runs.visibility import IS_PARKED


class DeadLetter(Message):
    """Event that could not be delivered to a subscriber."""

    kind: Literal["event"] = "event"
    order_id: str
    #: First run id of the order's saga.
    run_id: str
    #: Workflow id of the delivery.
    delivery_id: str
    event_type: str
    subscriber: str
    error: str | None
    since: datetime | None
    #: True if the order is open and waits for the result of this event.
    blocks_order: bool

    @property
    def name(self) -> str:
        """Name for operators, such as ``InventoryReserved/payment``."""
        return f"{self.event_type}/{self.subscriber}"


async def dead_letters(client: Client, task_queue: str) -> list[DeadLetter | Unreadable]:
    """Return the dead letters of all orders, also those whose delivery does not answer."""
    found = await waiting(client, task_queue, IS_PARKED, wire.EVENT_DELIVERY)
    letters = await of_each(found, lambda run: _read(client, run))
    return [letter for letter in letters if letter is not None]


async def dead_letters_of(client: Client, task_queue: str, order_id: str) -> list[DeadLetter]:
    """Return the dead letters of one order."""
    return [
        letter
        for letter in await dead_letters(client, task_queue)
        if isinstance(letter, DeadLetter) and letter.order_id == order_id
    ]


def say_letters(letters: Sequence[DeadLetter], output: Output) -> None:
    """Show dead letters with the commands that resolve them."""
    for letter in letters:
        what = printable(f"{letter.event_type} cannot be delivered to {letter.subscriber}")
        output.sentence(f"{WAITS} {what}: {letter.error}", "bold red")
        output.line("  Deliver it again, or record why it is not to be delivered:")
        for action, note in (("replay", "WHY"), ("discard", "EVIDENCE")):
            options = ("--step", letter.name, "--action", action, "--note", note)
            line = command("resolve", letter.order_id, *Mode.CHOREOGRAPHY.options, *options)
            output.line(f"    {line}")


async def _read(client: Client, run: WorkflowExecution) -> DeadLetter | Unreadable | None:
    handle = run_of(client, run.id, run.run_id)
    try:
        view = await ask(handle, wire.STATUS, DeliveryView)
    except SILENCE as error:
        why = await why_silent(client, handle, run.task_queue, error)
        return await _from_outside(client, run, why)
    if view.state is not DeliveryState.PARKED:
        return None  # the server's list may be out of date
    event = view.delivery.event
    return DeadLetter(
        order_id=Mode.CHOREOGRAPHY.order_id(event.correlation_id),
        run_id=event.saga_run_id,
        delivery_id=run.id,
        event_type=event.type,
        subscriber=view.delivery.subscriber,
        error=view.error,
        since=view.parked_since,
        blocks_order=await _waits(client, event.correlation_id, event.saga_run_id),
    )


async def _from_outside(
    client: Client, run: WorkflowExecution, why: str
) -> DeadLetter | Unreadable:
    """Return what the workflow id tells about a delivery that does not answer."""
    parts = delivery_parts(run.id)
    if parts is None:
        return Unreadable.of(run, why)
    correlation_id, saga_run_id, event_type, subscriber = parts
    return DeadLetter(
        order_id=Mode.CHOREOGRAPHY.order_id(correlation_id),
        run_id=saga_run_id,
        delivery_id=run.id,
        event_type=event_type,
        subscriber=subscriber,
        error=why,
        since=None,
        blocks_order=await _waits(client, correlation_id, saga_run_id),
    )


async def _waits(client: Client, saga_id: str, saga_run_id: str) -> bool:
    """Tell whether the run that the event belongs to is still open."""
    latest = await description(client, saga_id)
    is_open = latest is not None and latest.status is WorkflowExecutionStatus.RUNNING
    return latest is not None and is_open and first_run_id(latest) == saga_run_id
