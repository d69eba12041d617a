"""``resolve`` for a step of a leftover."""

from __future__ import annotations

import asyncio

from temporalio.client import Client, WorkflowExecutionStatus

from cli.errors import OperationRefused
from cli.leftovers import ParkedLeftover, waiting_steps
from cli.operations.update import send_update
from cli.output import Output
from cli.render import say_how_to_resolve, say_steps
from cli.run_queries import SILENCE, look, why_silent
from messages import wire
from messages.sagas import ResolveCompensation, SagaView, StepState
from runs.descriptions import Handle, description, run_of
from runtime.exits import ExitCode

_LOOK_EVERY = 0.1


async def resolve_leftover(
    client: Client, leftover: ParkedLeftover, decision: ResolveCompensation, output: Output
) -> ExitCode:
    """Send the decision and wait for its result; succeed when no step waits any more.

    Raises:
        OperationRefused: the step does not wait for a decision, or no worker answers.
    """
    latest = await description(client, leftover.workflow_id)
    if latest is None:
        raise OperationRefused(f"{leftover.workflow_id} is gone")
    run = run_of(client, latest.id, latest.run_id)
    await send_update(client, run, wire.RESOLVE_COMPENSATION, decision, latest)
    view = await _result(client, run, latest.task_queue)
    output.line(f"{latest.id}  {decision.step}: {decision.action}", "bold")
    say_steps(view, output)
    say_how_to_resolve(latest.id, view, output, leftover=True)
    output.document(view)
    return ExitCode.ROLLED_BACK if waiting_steps(view) else ExitCode.SUCCESS


async def _result(client: Client, run: Handle, task_queue: str) -> SagaView:
    """Wait until the run is closed, or waits again while no step is being undone."""
    while True:
        try:
            view = await look(run)
        except SILENCE as error:
            why = await why_silent(client, run, task_queue, error)
            raise OperationRefused(f"{run.id} has accepted the decision, but {why}") from None
        described = await description(client, run.id, run.run_id)
        is_open = described is not None and described.status is WorkflowExecutionStatus.RUNNING
        working = any(step.state is StepState.COMPENSATING for step in view.steps)
        if not is_open or (waiting_steps(view) and not working):
            return view
        await asyncio.sleep(_LOOK_EVERY)
