"""Dead letters: events that could not be delivered and wait for an operator."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from temporalio.client import Client, WorkflowExecution, WorkflowQueryFailedError
from temporalio.service import RPCError

from cli.modes import Mode
from cli.output import Output, command
from cli.runs import SERVER_TIMEOUT, WORKER_TIMEOUT, nobody_answers
from messages.base import Message
from messages.deliveries import DeliveryState, DeliveryView
from messages.ids import delivery_parts

PARKED = 'SagaStatus = "NEEDS_INTERVENTION" AND ExecutionStatus = "Running"'
_QUESTIONS_AT_ONCE = 20


class DeadLetter(Message):
    """An event that a subscriber could not take."""

    order_id: str
    #: First run id of the order's saga.
    run_id: str
    #: Workflow id of the delivery.
    delivery_id: str
    event_type: str
    subscriber: str
    error: str | None
    since: datetime | None

    @property
    def name(self) -> str:
        """What an operator calls it: ``InventoryReserved/payment``."""
        return f"{self.event_type}/{self.subscriber}"


async def dead_letters(client: Client) -> list[DeadLetter]:
    """Every dead letter, of all orders; of one whose worker is away, what its id tells."""
    query = f'{PARKED} AND WorkflowType = "EventDelivery"'
    found = [run async for run in client.list_workflows(query, rpc_timeout=SERVER_TIMEOUT)]
    gate = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
    letters = await asyncio.gather(*(_read(client, run, gate) for run in found))
    return [letter for letter in letters if letter is not None]


async def dead_letters_of(client: Client, order_id: str) -> list[DeadLetter]:
    """The dead letters of one order."""
    return [letter for letter in await dead_letters(client) if letter.order_id == order_id]


def say_letters(letters: Sequence[DeadLetter], output: Output) -> None:
    """Tell an operator what can be done about dead letters, ready to be pasted."""
    for letter in letters:
        output.sentence(
            f"⚠ {letter.event_type} cannot be delivered to {letter.subscriber}: {letter.error}",
            "bold red",
        )
        output.line("  Deliver it again, or record why it is not to be delivered:")
        for action, note in (("replay", "WHY"), ("discard", "EVIDENCE")):
            options = ("--step", letter.name, "--action", action, "--note", note)
            line = command("resolve", letter.order_id, *Mode.CHOREOGRAPHY.options, *options)
            output.line(f"    {line}")


async def _read(
    client: Client, run: WorkflowExecution, gate: asyncio.Semaphore
) -> DeadLetter | None:
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    async with gate:
        try:
            view: DeliveryView = await handle.query(
                "status", result_type=DeliveryView, rpc_timeout=WORKER_TIMEOUT
            )
        except WorkflowQueryFailedError:
            return None
        except RPCError as error:
            if nobody_answers(run.task_queue, error) is error:
                raise
            return _from_outside(run)
    if view.state is not DeliveryState.PARKED:
        return None  # the list is a little late
    event = view.delivery.event
    return DeadLetter(
        order_id=Mode.CHOREOGRAPHY.order_id(event.correlation_id),
        run_id=event.saga_run_id,
        delivery_id=run.id,
        event_type=event.type,
        subscriber=view.delivery.subscriber,
        error=view.error,
        since=view.parked_since,
    )


def _from_outside(run: WorkflowExecution) -> DeadLetter | None:
    """What the id alone tells of a delivery whose worker is away."""
    parts = delivery_parts(run.id)
    if parts is None:
        return None
    correlation_id, saga_run_id, event_type, subscriber = parts
    return DeadLetter(
        order_id=Mode.CHOREOGRAPHY.order_id(correlation_id),
        run_id=saga_run_id,
        delivery_id=run.id,
        event_type=event_type,
        subscriber=subscriber,
        error=f"no worker on task queue {run.task_queue!r} tells why",
        since=None,
    )
