"""``status``: where an order stands, or how it ended."""

from __future__ import annotations

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from cli.chain import chain, say_chain
from cli.errors import OperationRefused
from cli.following import look
from cli.modes import Mode
from cli.order import say_what_it_waits_for
from cli.output import Output
from cli.render import say_outcome, say_steps
from cli.runs import Outcome, latest_run, nobody_answers, outcome, run_of
from messages.sagas import SagaView
from runtime.exits import ExitCode


async def status(client: Client, mode: Mode, order_id: str, output: Output) -> ExitCode:
    """Show the order's newest run; a closed one also when no worker is there to ask.

    Raises:
        BadInput: no such order.
        OperationRefused: the run is open and no worker answers.
    """
    latest = await latest_run(client, mode, order_id)
    run = run_of(client, latest.id, latest.run_id)
    is_open = latest.status is WorkflowExecutionStatus.RUNNING
    try:
        view = await look(run)
    except RPCError as error:
        if is_open:
            raise nobody_answers(latest.task_queue, error) from None
        view = None
    if is_open and view is None:
        raise OperationRefused(f"{latest.id} is open, but tells nothing of itself")
    ended = None if is_open else await outcome(run)
    events = await chain(mode, run)
    if view is not None:
        output.line(f"{view.saga_id}  {ended.status if ended else view.status.value}", "bold")
        say_steps(view, output)
    say_chain(events, output)
    if ended is not None:
        say_outcome(ended, output)
    elif view is not None:
        await say_what_it_waits_for(client, mode, view, output)
    told = {"events": events} if mode is Mode.CHOREOGRAPHY else {}
    facts = {"run_id": latest.run_id, **_facts(view), **_facts(ended)}
    output.document({**facts, **told, "result": ended})
    return ExitCode.SUCCESS


def _facts(part: SagaView | Outcome | None) -> dict[str, object]:
    """A view in full; of an outcome what overrules the view, which may be from before it."""
    if part is None:
        return {}
    only = None if isinstance(part, SagaView) else {"saga_id", "status"}
    return part.model_dump(mode="json", include=only)
