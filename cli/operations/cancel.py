"""``cancel``: take an order back."""

from __future__ import annotations

import asyncio

from temporalio.client import Client

from cli.following import follow
from cli.modes import Mode
from cli.operations.update import send_update
from cli.order import conclude
from cli.output import Output, command
from cli.runs import latest_run, run_of
from cli.screen import SagaScreen
from messages.sagas import CancelOrder, SagaRolledBack
from runtime.exits import ExitCode


async def cancel(
    client: Client, mode: Mode, order_id: str, request: CancelOrder, output: Output
) -> ExitCode:
    """Cancel the order and see it undone; success means that it ended as cancelled.

    Raises:
        BadInput: no such order.
        OperationRefused: it is too late, or no worker answers.
    """
    latest = await latest_run(client, mode, order_id)
    run = run_of(client, latest.id, latest.run_id)
    await send_update(run, "cancel_order", request, latest)
    try:
        with SagaScreen(output, f"{latest.id}  cancelling: {request.reason}") as screen:
            followed = await follow(run, screen)
    except asyncio.CancelledError:
        output.line("The order is being undone without us. To follow it:")
        output.line(f"  {command('status', order_id, *mode.options)}")
        raise
    code = await conclude(client, mode, run, followed, output)
    cancelled = isinstance(followed, SagaRolledBack) and followed.status == "CANCELLED"
    return ExitCode.SUCCESS if cancelled else code
