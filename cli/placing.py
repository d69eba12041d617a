"""``order``: place an order, or find the run in which it was placed, and follow it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from cli.command_lines import command
from cli.ending import conclude
from cli.errors import BadInput
from cli.following import follow
from cli.modes import Mode
from cli.output import Output
from cli.screen import SagaScreen
from messages.currencies import amount_in_words
from messages.orders import Order
from runs.descriptions import STANDS, Handle, description, run_of
from runs.inputs import start_input
from runtime.exits import ExitCode

_START_TIMEOUT = timedelta(seconds=10)


class UnreadableOrder(BadInput):
    """The order's run exists already, and its input cannot be read."""

    def __init__(self, order: Order, run: Handle) -> None:
        super().__init__(
            f"there is a run {run.id} already, and its input cannot be read; use another order_id"
            f" than {order.order_id!r}"
        )


@dataclass(frozen=True)
class Placed:
    """Run in which an order was placed."""

    run: Handle
    mode: Mode
    #: True if the order was placed before, and this is that run.
    already: bool
    #: True if it was placed before in the other mode.
    elsewhere: bool = False

    @property
    def before(self) -> str:
        """Words that say that the order was placed before, and in which mode."""
        return "placed before" + (f", with --mode {self.mode.value}" if self.elsewhere else "")


async def is_known_to_stand(client: Client, order_id: str) -> bool:
    """Tell whether Temporal knows that the order runs or has succeeded, in either mode."""
    known = [await description(client, mode.saga_id(order_id)) for mode in Mode]
    return any(run is not None and run.status in STANDS for run in known)


async def place_once(client: Client, mode: Mode, order: Order, task_queue: str) -> Placed:
    """Place the order, unless it runs or has succeeded already, in either mode.

    Raises:
        BadInput: see :func:`place`.
    """
    for other in Mode:
        if other is mode:
            continue
        known = await description(client, other.saga_id(order.order_id))
        if known is not None and known.status in STANDS:
            run = run_of(client, known.id, known.run_id)
            await _check_same(client, run, order)
            return Placed(run, other, already=True, elsewhere=True)
    return await place(client, mode, order, task_queue)


async def place(
    client: Client, mode: Mode, order: Order, task_queue: str, *, again: bool = False
) -> Placed:
    """Start the order's saga, unless it runs or has succeeded already.

    Args:
        again: this call repeats one whose answer was lost. A run that has failed may be the
            one that was started then, so no new run is started.

    Raises:
        BadInput: an order with that id and other content runs or has succeeded.
    """
    saga_id = mode.saga_id(order.order_id)
    try:
        handle = await client.start_workflow(
            mode.workflow,
            order,
            id=saga_id,
            task_queue=task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE
            if again
            else WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=summary(order),
            rpc_timeout=_START_TIMEOUT,
        )
    except WorkflowAlreadyStartedError as existing:
        run = run_of(client, saga_id, existing.run_id)
        await _check_same(client, run, order)
        return Placed(run, mode, already=True)
    return Placed(run_of(client, saga_id, handle.result_run_id), mode, already=False)


async def _check_same(client: Client, run: Handle, order: Order) -> None:
    placed = await start_input(client, run)
    if placed is None:
        raise UnreadableOrder(order, run)
    if placed != order:
        raise BadInput(
            f"order {order.order_id!r} was placed already, with {_difference(placed, order)};"
            " use another order_id for other content"
        )


async def see_through(client: Client, order: Order, placed: Placed, output: Output) -> ExitCode:
    """Show the order's progress until it ends or waits for an operator."""
    if placed.already:
        output.line(f"Order {order.order_id} was {placed.before}; this is that run.")
    output.link(placed.run.id, placed.run.run_id)
    try:
        with SagaScreen(output, f"{placed.run.id}  {summary(order)}") as screen:
            followed = await follow(client, placed.run, screen)
    except asyncio.CancelledError:
        output.line(f"Order {order.order_id} continues by itself. To follow it:")
        output.line(f"  {command('status', order.order_id, *placed.mode.options)}")
        raise
    return await conclude(client, placed.mode, placed.run, followed, output)


def leave_alone(order: Order, placed: Placed, output: Output) -> ExitCode:
    """Show in which run the order was placed, and do not follow it."""
    again = f"was {placed.before}" if placed.already else "is placed"
    output.line(f"Order {order.order_id} {again}: {placed.run.id}, run {placed.run.run_id}")
    output.line(f"  {command('status', order.order_id, *placed.mode.options)}")
    output.link(placed.run.id, placed.run.run_id)
    output.document(
        {
            "saga_id": placed.run.id,
            "run_id": placed.run.run_id,
            "already_placed": placed.already,
        }
    )
    return ExitCode.SUCCESS


def summary(order: Order) -> str:
    """Return the summary of an order in lists of runs, such as ``3 items, 200.00``."""
    pieces = sum(item.quantity for item in order.items)
    total = amount_in_words(order.total_amount, order.currency)
    return f"{pieces} item{'' if pieces == 1 else 's'}, {total}"


def _difference(placed: Order, order: Order) -> str:
    fields = [f for f in Order.model_fields if getattr(placed, f) != getattr(order, f)]
    return f"another {', '.join(fields)}"
