"""``order``: place an order, or find it placed already, and see it through."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from cli.chain import chain, say_chain
from cli.errors import BadInput
from cli.following import Followed, follow
from cli.letters import dead_letters_of, say_letters
from cli.modes import Mode
from cli.output import Output, command
from cli.render import say_how_to_resolve, say_outcome
from cli.runs import Handle, run_of, start_input
from cli.screen import SagaScreen
from messages.orders import Order
from messages.sagas import SagaStatus, SagaSucceeded, SagaView
from runtime.exits import ExitCode

_START_TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True)
class Placed:
    """The run that an order is in."""

    run: Handle
    mode: Mode
    #: Whether the order was placed before and this is that run.
    already: bool


async def place(
    client: Client, mode: Mode, order: Order, task_queue: str, *, again: bool = False
) -> Placed:
    """Start the order's saga, unless it runs or has succeeded already.

    Args:
        again: an attempt of ours came before, and may have got through; so a run that has
            failed is not tried anew either.

    Raises:
        BadInput: an order of that id, with other content, runs or has succeeded.
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
        placed = await start_input(client, run)
        if placed != order:
            raise BadInput(
                f"order {order.order_id!r} was placed already, with {_difference(placed, order)};"
                " an order of other content needs another order_id"
            ) from None
        return Placed(run, mode, already=True)
    return Placed(run_of(client, saga_id, handle.result_run_id), mode, already=False)


async def see_through(client: Client, order: Order, placed: Placed, output: Output) -> ExitCode:
    """Show the order's progress until it ends or waits for an operator."""
    if placed.already:
        output.line(f"Order {order.order_id} was placed before; this is that run.")
    try:
        with SagaScreen(output, f"{placed.run.id}  {summary(order)}") as screen:
            followed = await follow(placed.run, screen)
    except asyncio.CancelledError:
        output.line(f"Order {order.order_id} goes on without us. To follow it:")
        output.line(f"  {command('status', order.order_id, *placed.mode.options)}")
        raise
    return await conclude(client, placed.mode, placed.run, followed, output)


def leave_alone(order: Order, placed: Placed, output: Output) -> ExitCode:
    """Only say which run the order is in."""
    again = "was placed before" if placed.already else "is placed"
    output.line(f"Order {order.order_id} {again}: {placed.run.id}, run {placed.run.run_id}")
    output.line(f"  {command('status', order.order_id, *placed.mode.options)}")
    output.document(
        {
            "saga_id": placed.run.id,
            "run_id": placed.run.run_id,
            "already_placed": placed.already,
        }
    )
    return ExitCode.SUCCESS


async def conclude(
    client: Client, mode: Mode, run: Handle, followed: Followed, output: Output
) -> ExitCode:
    """Say how the order ended, or why it did not."""
    await say_end(client, mode, run, followed, output)
    output.document(followed)
    return ExitCode.SUCCESS if isinstance(followed, SagaSucceeded) else ExitCode.ROLLED_BACK


async def say_end(
    client: Client, mode: Mode, run: Handle, followed: Followed, output: Output
) -> None:
    """Show how the order ended, or what it waits for."""
    say_chain(await chain(mode, run), output)
    if isinstance(followed, SagaView):
        await say_what_it_waits_for(client, mode, followed, output)
    else:
        say_outcome(followed, output)


async def say_what_it_waits_for(client: Client, mode: Mode, view: SagaView, output: Output) -> None:
    """Tell an operator what can be done about an open order, if anything."""
    order_id = mode.order_id(view.saga_id)
    if view.status is SagaStatus.NEEDS_INTERVENTION and mode is Mode.CHOREOGRAPHY:
        say_letters(await dead_letters_of(client, order_id), output)
    else:
        say_how_to_resolve(order_id, view, output)


def summary(order: Order) -> str:
    """What lists of runs show of an order: ``3 items, 200.00``."""
    pieces = sum(item.quantity for item in order.items)
    return f"{pieces} item{'' if pieces == 1 else 's'}, {order.total_amount}"


def _difference(placed: Order | None, order: Order) -> str:
    if placed is None:
        return "other content"
    fields = [f for f in Order.model_fields if getattr(placed, f) != getattr(order, f)]
    return f"another {', '.join(fields)}"
