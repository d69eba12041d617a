"""``status``: the steps of an order, or how it ended."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio.client import Client
from temporalio.service import RPCError

from cli.ending import conclude, say_what_it_waits_for
from cli.errors import OperationRefused
from cli.event_tree import events_of, say_events
from cli.finding import FoundOrder, find, find_if_any
from cli.following import follow
from cli.forgotten import say_forgotten
from cli.modes import Mode
from cli.output import Output
from cli.paused import paused_parts, say_parts
from cli.render import say_outcome, say_steps
from cli.run_queries import QueryFailed, UnreadableAnswer, look, why_silent
from cli.screen import SagaScreen
from messages.sagas import SagaView
from runs.results import Outcome, outcome
from runtime.exits import ExitCode


async def status(
    client: Client,
    mode: Mode | None,
    named: str,
    ledgers: Mapping[str, str],
    output: Output,
    *,
    watch: bool = False,
) -> ExitCode:
    """Show the order's newest run; a closed run also when no worker answers.

    With ``watch``, an open run is followed until it ends or waits for an operator.
    If Temporal does not know the order, show what the ledgers know about it.

    Raises:
        BadInput: there is no such order.
        OperationRefused: the run is open and does not answer.
    """
    known = await find_if_any(client, mode, named)
    forgotten = known is None and await find_if_any(client, None, named) is None
    if forgotten and await say_forgotten(client, ledgers, named, output):
        return ExitCode.SUCCESS
    found = known or await find(client, mode, named)
    found.say_which(output)
    if watch and found.is_open:
        return await _watch(client, found, output)
    await _show(client, found, await _view(client, found, output), output)
    return ExitCode.SUCCESS


async def _view(client: Client, found: FoundOrder, output: Output) -> SagaView | None:
    """Return what the run answers; None if it is closed and no worker answers for it."""
    run = found.run(client)
    try:
        return await look(run)
    except (RPCError, QueryFailed, UnreadableAnswer) as error:
        if not found.is_open:
            return None
        why = await why_silent(client, run, found.latest.task_queue, error)
        _say_silent(found, why, output)
        raise OperationRefused(f"{found.latest.id} is open, but {why}") from None


async def _show(client: Client, found: FoundOrder, view: SagaView | None, output: Output) -> None:
    run = found.run(client)
    ended = None if found.is_open else await outcome(run)
    events = await events_of(found.mode, run)
    if view is not None:
        output.line(f"{view.saga_id}  {ended.status if ended else view.status.value}", "bold")
    output.link(found.latest.id, found.latest.run_id)
    if view is not None:
        say_steps(view, output)
    say_events(events, output)
    if ended is not None:
        say_outcome(ended, output)
    elif view is not None:
        await say_what_it_waits_for(client, found.mode, view, output)
    paused = paused_parts(found.latest) if ended is None else ()
    say_parts(paused, output)
    heard = {"events": events} if found.mode is Mode.CHOREOGRAPHY else {}
    facts = {"run_id": found.latest.run_id, **_facts(view), **_facts(ended)}
    stopped = {"paused": paused} if paused else {}
    output.document({**facts, **heard, **stopped, "result": ended})


async def _watch(client: Client, found: FoundOrder, output: Output) -> ExitCode:
    """Show the steps of an open order as they change, until it ends or waits for an operator."""
    run = found.run(client)
    output.link(found.latest.id, found.latest.run_id)
    with SagaScreen(output, found.latest.id) as screen:
        followed = await follow(client, run, screen)
    await conclude(client, found.mode, run, followed, output)
    return ExitCode.SUCCESS


def _say_silent(found: FoundOrder, why: str, output: Output) -> None:
    """Show what is known about an open run that does not answer."""
    run = {"saga_id": found.latest.id, "run_id": found.latest.run_id, "status": "RUNNING"}
    output.line(f"{found.latest.id}  open, run {found.latest.run_id}", "bold")
    output.link(found.latest.id, found.latest.run_id)
    output.document({**run, "problem": why, "result": None})


def _facts(part: SagaView | Outcome | None) -> dict[str, object]:
    """Return all facts of a view, or those facts of an outcome that replace the view's."""
    if part is None:
        return {}
    only = None if isinstance(part, SagaView) else {"saga_id", "status"}
    return part.model_dump(mode="json", include=only)
