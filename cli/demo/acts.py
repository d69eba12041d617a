"""The acts of the demo: single orders, watched step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cli.demo.stage import ROOT, Stage
from cli.following import Followed, follow
from cli.modes import Mode
from cli.order import place, say_end, summary
from cli.order_file import read_order
from cli.output import Output
from cli.screen import SagaScreen
from messages.base import Message


class Act(NamedTuple):
    """One order of the examples, and what it shows."""

    title: str
    file: str
    mode: Mode = Mode.ORCHESTRATION


ACTS: Sequence[Act] = (
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


class Played(Message):
    """An act that is over."""

    workflow_id: str
    run_id: str
    link: str
    result: Followed


async def play(act: Act, tag: str, stage: Stage, output: Output) -> Played:
    """Place the act's order, under an id of its own, and show it to the end."""
    example = read_order(str(ROOT / "examples" / act.file))
    order = example.model_copy(update={"order_id": f"{example.order_id}-{tag}"})
    placed = await place(stage.client, act.mode, order, stage.settings.task_queue)
    run_id = placed.run.run_id or ""
    link = stage.link(placed.run.id, run_id)
    output.line("")
    output.line(act.title, "bold")
    with SagaScreen(output, f"{placed.run.id}  {summary(order)}") as screen:
        followed = await follow(placed.run, screen)
    await say_end(stage.client, act.mode, placed.run, followed, output)
    output.line(link, "dim")
    return Played(workflow_id=placed.run.id, run_id=run_id, link=link, result=followed)
