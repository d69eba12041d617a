"""Orders that Temporal no longer knows, as the ledgers recorded them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from temporalio.client import Client

from cli.errors import BadInput, OperationRefused
from cli.modes import Mode
from cli.output import Output
from cli.render import step_line
from messages.orders import Order
from messages.participants import requests_of
from messages.sagas import StepState, StepView
from runs.descriptions import STANDS, description
from runtime.client import home_of
from runtime.exits import ExitCode
from runtime.programs import program

if TYPE_CHECKING:
    from services.lookup import KnownOrder, KnownRun, KnownStep

_STATES = {
    "applied": StepState.SUCCESS,
    "refused": StepState.FAILED,
    "reversed": StepState.COMPENSATED,
    "settled": StepState.COMPENSATED,
}


async def known_to_ledgers(client: Client, ledgers: Mapping[str, str], order_id: str) -> KnownOrder:
    """Return what the ledgers know about an order, as far as they can be read from here."""
    # Importing the database library takes as long as the rest of most commands.
    from services.lookup import look_up_order

    home = await home_of(client)
    return await asyncio.to_thread(look_up_order, ledgers, order_id, home)


async def say_forgotten(
    client: Client, ledgers: Mapping[str, str], named: str, output: Output
) -> bool:
    """Show what the ledgers know about an order; return False when they do not know it."""
    for order_id in dict.fromkeys([named, *(mode.order_id(named) for mode in Mode)]):
        known = await known_to_ledgers(client, ledgers, order_id)
        if known.runs:
            _say(order_id, known, output)
            return True
    return False


async def placed_before(
    client: Client, ledgers: Mapping[str, str], order: Order, output: Output
) -> ExitCode | None:
    """Show that the order was placed before, when only the ledgers still know that.

    Returns:
        None when the ledgers know no effect of it that stands, so that it may be placed.

    Raises:
        BadInput: an order with that id and other content was placed before.
        OperationRefused: some effects of an earlier run still stand.
    """
    for run in (await known_to_ledgers(client, ledgers, order.order_id)).runs:
        if not run.standing:
            continue
        found = await description(client, run.run.saga_id, run.run.run_id)
        if found is not None and found.status in STANDS:
            return None  # it was placed after the first query to Temporal
        if not run.complete or found is not None:
            raise OperationRefused(
                f"order {order.order_id!r} has an earlier run, {run.run.saga_id}, run"
                f" {run.run.run_id}, and {', '.join(run.standing)} of it still stands; undo that"
                f" first: {program('starter.py')} reconcile"
            )
        asked = requests_of(order, run.run.saga_id, run.run.run_id)
        if {step: known.request for step, known in run.steps.items()} != asked:
            raise BadInput(
                f"order {order.order_id!r} was placed already, with other content;"
                " use another order_id for other content"
            )
        output.line(
            f"Order {order.order_id} was placed before, as {run.run.saga_id}, run"
            f" {run.run.run_id}. Temporal no longer knows it, but the ledgers know that all its"
            " effects stand:"
        )
        say_steps_of(run, output)
        output.document({**_facts(run), "already_placed": True})
        return ExitCode.SUCCESS
    return None


def say_steps_of(run: KnownRun, output: Output) -> None:
    """Show the steps of a run as the ledgers recorded them."""
    for step in run.steps:
        output.line(step_line(_view(step, run.steps[step])))


def _say(order_id: str, known: KnownOrder, output: Output) -> None:
    output.line(f"Temporal does not know order {order_id}. The ledgers know:", "bold")
    for run in known.runs:
        output.line(f"{run.run.saga_id}, run {run.run.run_id}: {_summary(run)}", "bold")
        say_steps_of(run, output)
        if run.standing and not run.complete:
            undo = f"{program('starter.py')} reconcile"
            output.line(f"  It is half done. {undo} undoes it, or puts it into the inbox.")
    for service in known.unavailable:
        output.line(f"The {service} ledger cannot be read from here.", "yellow")
    output.document(
        {
            **_facts(known.runs[-1]),
            "earlier": [_facts(run) for run in known.runs[:-1]],
            "unavailable": known.unavailable,
        }
    )


def _summary(run: KnownRun) -> str:
    if run.complete:
        return "every effect stands"
    return f"{', '.join(run.standing)} stands" if run.standing else "nothing stands"


def _facts(run: KnownRun) -> dict[str, object]:
    status = "SUCCESS" if run.complete else "UNPROVED" if run.standing else "FAILED"
    return {
        "saga_id": run.run.saga_id,
        "run_id": run.run.run_id,
        "known_by": "ledgers",
        "status": status,
        "steps": [_view(step, known).model_dump(mode="json") for step, known in run.steps.items()],
    }


def _view(step: str, known: KnownStep) -> StepView:
    return StepView(name=step, state=_STATES[known.state], resolution=known.decided)
