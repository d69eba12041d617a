"""The acts of the demo: single orders, watched step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from cli.asking import QueryFailed, Unreadable, look
from cli.demo.stage import ROOT, Stage
from cli.ending import say_end
from cli.following import Followed, follow
from cli.modes import Mode
from cli.order import place, summary
from cli.order_file import read_order
from cli.output import Output
from cli.screen import SagaScreen
from messages import wire
from messages.base import Message
from messages.sagas import CancelOrder, StepState
from runs.descriptions import Handle


class Act(NamedTuple):
    """One order of the examples, and what it shows."""

    title: str
    file: str
    mode: Mode = Mode.ORCHESTRATION
    #: Seconds; None means the saga's own.
    deadline: int | None = None
    #: Whether the customer takes it back as soon as the first step is done.
    cancel: bool = False


ORCHESTRATED: Sequence[Act] = (
    Act("An order that succeeds", "order.json"),
    Act(
        "Out of stock: refused at the first step, so there is nothing to undo", "out_of_stock.json"
    ),
    Act("Payment declined: the stock is put back", "payment_declined.json"),
    Act(
        "No carrier goes there: refunded, then the stock is put back",
        "address_not_serviceable.json",
    ),
    Act("No points taken: all three steps are undone, last first", "loyalty_refused.json"),
)


CHOREOGRAPHED: Sequence[Act] = tuple(
    Act(title, file, Mode.CHOREOGRAPHY, deadline, cancel)
    for title, file, deadline, cancel in (
        ("An order that succeeds: each event is answered by the next", "order.json", None, False),
        ("Out of stock", "out_of_stock.json", None, False),
        ("Payment declined", "payment_declined.json", None, False),
        ("No carrier goes there", "address_not_serviceable.json", None, False),
        ("No points taken", "loyalty_refused.json", None, False),
        ("The customer takes it back half way", "order.json", None, True),
        ("Its deadline passes half way", "order.json", 1, False),
    )
)


class Played(Message):
    """An act that is over."""

    workflow_id: str
    run_id: str
    link: str
    result: Followed


async def play(act: Act, tag: str, stage: Stage, output: Output) -> Played:
    """Place the act's order, under an id of its own, and show it to the end."""
    example = read_order(str(ROOT / "examples" / act.file), act.deadline)
    suffix = "-cancelled" if act.cancel else "-late" if act.deadline else ""
    order = example.model_copy(update={"order_id": f"{example.order_id}{suffix}-{tag}"})
    placed = await place(stage.client, act.mode, order, stage.settings.task_queue)
    run_id = placed.run.run_id or ""
    link = stage.link(placed.run.id, run_id)
    output.line("")
    output.line(act.title, "bold")
    with SagaScreen(output, f"{placed.run.id}  {summary(order)}") as screen:
        taking_back = asyncio.create_task(_take_back(placed.run) if act.cancel else _leave())
        followed = await follow(stage.client, placed.run, screen)
        await taking_back
    await say_end(stage.client, act.mode, placed.run, followed, output)
    output.line(link, "dim")
    return Played(workflow_id=placed.run.id, run_id=run_id, link=link, result=followed)


async def _take_back(run: Handle) -> None:
    """Cancel the order once its first step is done; under a hostile plan it may be over before."""
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
    except (QueryFailed, Unreadable):
        return StepState.FAILED


async def _leave() -> None:
    """Nobody takes this one back."""
