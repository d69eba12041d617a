"""``cancel``: cancel an order and follow it until it is undone."""

from __future__ import annotations

import asyncio

from temporalio.client import Client

from cli.command_lines import command
from cli.ending import conclude
from cli.finding import find
from cli.following import follow
from cli.modes import Mode
from cli.operations.update import send_update
from cli.output import Output
from cli.screen import SagaScreen
from messages import wire
from messages.sagas import CancelOrder, SagaRolledBack
from runtime.exits import ExitCode


async def cancel(
    client: Client, mode: Mode | None, named: str, request: CancelOrder, output: Output
) -> ExitCode:
    """Cancel the order and follow it; succeed when it ended as cancelled.

    Raises:
        BadInput: there is no such order.
        OperationRefused: it is too late, or no worker answers.
    """
    found = await find(client, mode, named)
    found.say_which(output)
    run = found.run(client)
    await send_update(client, run, wire.CANCEL_ORDER, request, found.latest)
    try:
        with SagaScreen(output, f"{run.id}  cancelling: {request.reason}") as screen:
            followed = await follow(client, run, screen)
    except asyncio.CancelledError:
        output.line("The saga continues to undo the order. To follow it:")
        output.line(f"  {command('status', found.order_id, *found.mode.options)}")
        raise
    code = await conclude(client, found.mode, run, followed, output)
    cancelled = isinstance(followed, SagaRolledBack) and followed.status == "CANCELLED"
    return ExitCode.SUCCESS if cancelled else code
