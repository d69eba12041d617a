"""Examples of the demo: single orders, shown step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from cli.ending import say_end
from cli.following import Followed, follow
from cli.local_system import LocalSystem
from cli.modes import Mode
from cli.order_file import read_order
from cli.output import Output
from cli.placing import place, summary
from cli.run_queries import QueryFailed, UnreadableAnswer, look
from cli.screen import SagaScreen
from messages import wire
from messages.base import Message
from messages.sagas import CancelOrder, StepState
from runs.descriptions import Handle
from runtime.programs import ROOT


class Example(NamedTuple):
    """Example order, and the title that says what it shows."""

    title: str
    file: str
    mode: Mode = Mode.ORCHESTRATION
    #: Deadline in seconds; None means the saga's default.
    deadline: int | None = None
    #: True if the customer cancels it as soon as the first step is done.
    cancel: bool = False


ORCHESTRATED: Sequence[Example] = (
    Example("An order that succeeds", "order.json"),
    Example(
        "Out of stock: refused at the first step, so there is nothing to undo", "out_of_stock.json"
    ),
    Example("Payment declined: the stock is put back", "payment_declined.json"),
    Example(
        "No carrier goes there: refunded, then the stock is put back",
        "address_not_serviceable.json",
    ),
    Example("No points taken: all three steps are undone, last first", "loyalty_refused.json"),
)


CHOREOGRAPHED: Sequence[Example] = tuple(
    Example(title, file, Mode.CHOREOGRAPHY, deadline, cancel)
    for title, file, deadline, cancel in (
        ("An order that succeeds: each event is answered by the next", "order.json", None, False),
        ("Out of stock", "out_of_stock.json", None, False),
        ("Payment declined", "payment_declined.json", None, False),
        ("No carrier goes there", "address_not_serviceable.json", None, False),
        ("No points taken", "loyalty_refused.json", None, False),
        ("The customer cancels it half way", "order.json", None, True),
        ("Its deadline passes half way", "order.json", 1, False),
    )
)


class ShownExample(Message):
    """Example order that has ended, or waits for an operator."""

    workflow_id: str
    run_id: str
    link: str
    result: Followed


async def show(example: Example, tag: str, system: LocalSystem, output: Output) -> ShownExample:
    """Place the example's order under a new id, and show it to its end."""
    template = read_order(str(ROOT / "examples" / example.file), example.deadline)
    suffix = "-cancelled" if example.cancel else "-late" if example.deadline else ""
    # An order has its effects only once, in both modes together, so each mode needs its own id.
    order_id = f"{template.order_id}{suffix}-{example.mode.value}-{tag}"
    order = template.model_copy(update={"order_id": order_id})
    placed = await place(system.client, example.mode, order, system.settings.task_queue)
    run_id = placed.run.run_id or ""
    link = system.link(placed.run.id, run_id)
    output.line("")
    output.line(example.title, "bold")
    with SagaScreen(output, f"{placed.run.id}  {summary(order)}") as screen:
        cancelling = asyncio.create_task(
            _cancel_early(placed.run) if example.cancel else _nothing()
        )
        followed = await follow(system.client, placed.run, screen)
        await cancelling
    await say_end(system.client, example.mode, placed.run, followed, output)
    output.line(link, "dim")
    return ShownExample(workflow_id=placed.run.id, run_id=run_id, link=link, result=followed)


async def _cancel_early(run: Handle) -> None:
    """Cancel the order once its first step is done; with many faults it may have ended before."""
    while await _first_step(run) in (StepState.PENDING, StepState.RUNNING):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    with suppress(WorkflowUpdateFailedError, RPCError):
        reason = CancelOrder(reason="the customer changed their mind")
        await run.execute_update(wire.CANCEL_ORDER, reason)


async def _first_step(run: Handle) -> StepState:
    try:
        return (await look(run)).steps[0].state
    except RPCError:
        return StepState.PENDING
    except (QueryFailed, UnreadableAnswer):
        return StepState.FAILED


async def _nothing() -> None:
    """Do nothing, for an order that is not cancelled."""
