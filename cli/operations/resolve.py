"""``resolve``: decide on what cannot go on by itself: a compensation, or an event."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timezone
from getpass import getuser

from temporalio.client import Client, WorkflowExecutionDescription

from cli.errors import OperationRefused
from cli.following import follow
from cli.letters import dead_letters_of
from cli.modes import Mode
from cli.operations.update import send_update
from cli.order import conclude
from cli.output import Output, command
from cli.runs import WORKER_TIMEOUT, BrokenOff, Handle, description, latest_run, run_of
from cli.screen import SagaScreen
from messages.deliveries import DeliveryState, DeliveryView, ResolveDeadLetter
from messages.sagas import ResolveCompensation, SagaView
from runtime.exits import ExitCode

_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


async def resolve(
    client: Client, order_id: str, decision: ResolveCompensation, output: Output
) -> ExitCode:
    """Decide on a compensation and see what comes of it; success means the order is undone.

    Raises:
        BadInput: no such order.
        OperationRefused: the step does not wait for a decision, or no worker answers.
    """
    mode = Mode.ORCHESTRATION
    latest = await latest_run(client, mode, order_id)
    run = run_of(client, latest.id, latest.run_id)
    await send_update(run, "resolve_compensation", decision, latest)
    with SagaScreen(output, f"{latest.id}  {decision.step}: {decision.action}") as screen:
        followed = await follow(run, screen)
    await conclude(client, mode, run, followed, output)
    still_stands = isinstance(followed, (SagaView, BrokenOff))
    return ExitCode.ROLLED_BACK if still_stands else ExitCode.SUCCESS


async def resolve_letter(
    client: Client, order_id: str, letter: str, decision: ResolveDeadLetter, output: Output
) -> ExitCode:
    """Decide on a dead letter; success means that it is none any more.

    Args:
        letter: ``<event type>/<subscriber>``, as the inbox names it.

    Raises:
        OperationRefused: the order has no such dead letter, or no worker answers.
    """
    delivery = await _delivery(client, order_id, letter)
    run = run_of(client, delivery.id, delivery.run_id)
    await send_update(run, "resolve_dead_letter", decision, delivery)
    view = await _settled(run)
    output.document(view)
    if view.state is DeliveryState.PARKED:
        output.sentence(f"✘ {letter} was delivered again, and failed: {view.error}", "bold red")
        return ExitCode.ROLLED_BACK
    output.line(f"✔ {letter} is {view.state.value}", "green")
    output.line(f"  {command('status', order_id, *Mode.CHOREOGRAPHY.options)}")
    return ExitCode.SUCCESS


async def _delivery(client: Client, order_id: str, letter: str) -> WorkflowExecutionDescription:
    letters = await dead_letters_of(client, order_id)
    named = [found for found in letters if found.name == letter]
    if not named:
        waiting = ", ".join(sorted({found.name for found in letters})) or "none"
        raise OperationRefused(
            f"order {order_id!r} has no dead letter {letter!r} (waiting: {waiting})"
        )
    # Of several attempts at the order, the one that is nearest to the operator's mind.
    newest = max(named, key=lambda found: found.since or _LONG_AGO)
    found = await description(client, newest.delivery_id)
    if found is None:
        raise OperationRefused(f"the delivery of {letter} to order {order_id!r} is gone")
    return found


async def _settled(run: Handle) -> DeliveryView:
    """Wait until the subscriber has the event, or not once more."""
    while True:
        view: DeliveryView = await run.query(
            "status", result_type=DeliveryView, rpc_timeout=WORKER_TIMEOUT
        )
        if view.state is not DeliveryState.DELIVERING:
            return view
        await asyncio.sleep(0.1)


def login_name() -> str:
    """Who is logged in; where the system has no name for them, their number."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
