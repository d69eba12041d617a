"""``resolve`` for a step that could not be undone, of an order or of a leftover."""

from __future__ import annotations

from temporalio.client import Client

from cli.ending import conclude
from cli.errors import OperationRefused
from cli.finding import FoundOrder, find, find_if_any
from cli.following import follow
from cli.leftovers import ParkedLeftover, parked_leftovers_of, waiting_steps
from cli.modes import Mode
from cli.operations.leftover import resolve_leftover
from cli.operations.update import send_update
from cli.output import Output
from cli.run_queries import SILENCE, look, why_silent
from cli.screen import SagaScreen
from messages import wire
from messages.sagas import ResolveCompensation, SagaView
from runs.results import BrokenOff
from runtime.exits import ExitCode


async def resolve(
    client: Client,
    task_queue: str,
    mode: Mode | None,
    named: str,
    decision: ResolveCompensation,
    output: Output,
) -> ExitCode:
    """Decide on a step of an order or of its leftovers; succeed when it no longer waits.

    Raises:
        BadInput: there is no such order.
        OperationRefused: the step does not wait for a decision, or no worker answers.
    """
    found = await _named(client, mode, named)
    order = found if found and await _waits(client, found, decision) else None
    if order is not None and named == order.latest.id:
        return await _resolve_order(client, order, decision, output)
    leftovers = [
        leftover
        for leftover in await parked_leftovers_of(
            client, task_queue, mode, found.order_id if found else named
        )
        if leftover.waits_at(decision.step)
    ]
    if order is None and len(leftovers) == 1:
        return await resolve_leftover(client, leftovers[0], decision, output)
    if leftovers:
        raise _several(order, leftovers, decision.step)
    if decision.action == "keep":
        raise OperationRefused(
            f"no leftover of order {named!r} waits at {decision.step!r}; only the effect of a"
            " leftover can be kept"
        )
    return await _resolve_order(client, found or await find(client, mode, named), decision, output)


async def _named(client: Client, mode: Mode | None, named: str) -> FoundOrder | None:
    # If an order was placed in both modes, only the orchestrated one has steps to decide on.
    orchestrated = mode in (None, Mode.ORCHESTRATION)
    found = await find_if_any(client, Mode.ORCHESTRATION, named) if orchestrated else None
    return found or await find_if_any(client, mode, named)


async def _waits(client: Client, found: FoundOrder, decision: ResolveCompensation) -> bool:
    """Tell whether the decision is about the order's own run, not about a leftover."""
    if not found.is_open or found.mode is not Mode.ORCHESTRATION or decision.action == "keep":
        return False
    run = found.run(client)
    try:
        return decision.step in waiting_steps(await look(run))
    except SILENCE as error:
        why = await why_silent(client, run, found.latest.task_queue, error)
        raise OperationRefused(f"{run.id} is open, but {why}") from None


def _several(
    order: FoundOrder | None, leftovers: list[ParkedLeftover], step: str
) -> OperationRefused:
    ids = [*([order.latest.id] if order else []), *(found.workflow_id for found in leftovers)]
    return OperationRefused(
        f"several runs wait at {step!r}; give one of these ids instead of the order's:"
        f" {', '.join(ids)}"
    )


async def _resolve_order(
    client: Client, found: FoundOrder, decision: ResolveCompensation, output: Output
) -> ExitCode:
    if found.mode is not Mode.ORCHESTRATION:
        raise OperationRefused(
            f"{found.latest.id} is choreographed, so no step of it waits for a decision; its"
            " events may: see the inbox"
        )
    run = found.run(client)
    await send_update(client, run, wire.RESOLVE_COMPENSATION, decision, found.latest)
    with SagaScreen(output, f"{run.id}  {decision.step}: {decision.action}") as screen:
        followed = await follow(client, run, screen)
    await conclude(client, found.mode, run, followed, output)
    still_stands = isinstance(followed, (SagaView, BrokenOff))
    return ExitCode.ROLLED_BACK if still_stands else ExitCode.SUCCESS
