"""``resolve``: decide on a compensation that failed for good."""

from __future__ import annotations

import os
from getpass import getuser

from temporalio.client import Client

from cli.following import follow
from cli.operations.update import send_update
from cli.order import conclude
from cli.output import Output
from cli.runs import BrokenOff, latest_run, run_of
from cli.screen import SagaScreen
from messages.sagas import ResolveCompensation, SagaView
from runtime.exits import ExitCode
from workflows.orchestration.order_saga import OrderSaga


async def resolve(
    client: Client, order_id: str, decision: ResolveCompensation, output: Output
) -> ExitCode:
    """Send the decision and see what comes of it; success means that the order is undone.

    Raises:
        BadInput: no such order.
        OperationRefused: the step does not wait for a decision, or no worker answers.
    """
    latest = await latest_run(client, order_id)
    run = run_of(client, latest.id, latest.run_id)
    await send_update(run, OrderSaga.resolve_compensation, decision, latest)
    with SagaScreen(output, f"{latest.id}  {decision.step}: {decision.action}") as screen:
        followed = await follow(run, screen)
    conclude(order_id, followed, output)
    still_stands = isinstance(followed, (SagaView, BrokenOff))
    return ExitCode.ROLLED_BACK if still_stands else ExitCode.SUCCESS


def login_name() -> str:
    """Who is logged in; where the system has no name for them, their number."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
