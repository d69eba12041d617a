"""Output about the end of an order, or about what it waits for."""

from __future__ import annotations

from temporalio.client import Client

from cli.event_tree import events_of, say_events
from cli.following import Followed
from cli.letters import dead_letters_of, say_letters
from cli.modes import Mode
from cli.output import Output
from cli.render import say_how_to_resolve, say_outcome
from messages.sagas import SagaStatus, SagaSucceeded, SagaView
from runs.descriptions import Handle, description
from runtime.exits import ExitCode


async def conclude(
    client: Client, mode: Mode, run: Handle, followed: Followed, output: Output
) -> ExitCode:
    """Show how the order ended, or what it waits for, and return the exit code."""
    await say_end(client, mode, run, followed, output)
    output.document(followed)
    return ExitCode.SUCCESS if isinstance(followed, SagaSucceeded) else ExitCode.ROLLED_BACK


async def say_end(
    client: Client, mode: Mode, run: Handle, followed: Followed, output: Output
) -> None:
    """Show how the order ended, or what it waits for."""
    say_events(await events_of(mode, run), output)
    if isinstance(followed, SagaView):
        await say_what_it_waits_for(client, mode, followed, output)
    else:
        say_outcome(followed, output)


async def say_what_it_waits_for(client: Client, mode: Mode, view: SagaView, output: Output) -> None:
    """Show the commands with which an operator can help an open order, if there are any."""
    order_id = mode.order_id(view.saga_id)
    if view.status is not SagaStatus.NEEDS_INTERVENTION or mode is Mode.ORCHESTRATION:
        say_how_to_resolve(order_id, view, output)
        return
    order = await description(client, view.saga_id)
    if order is not None:
        say_letters(await dead_letters_of(client, order.task_queue, order_id), output)
