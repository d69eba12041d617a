"""List of the runs, of any of our workflows, whose workflow task keeps failing."""

from __future__ import annotations

from typing import Literal

from temporalio.client import Client, WorkflowExecution

from cli.failing import failing_task
from cli.output import Output
from cli.unreadable import describe_command
from messages.base import Message
from messages.marks import WAITS
from messages.text import printable
from messages.wire import WORKFLOW_TYPES
from runs.descriptions import description
from runs.listing import of_each, waiting_if_listed
from runs.visibility import IS_FAILING


class FailingRun(Message):
    """Run that cannot continue until its worker's code or key file is fixed."""

    kind: Literal["failing"] = "failing"
    workflow_id: str
    run_id: str
    workflow_type: str
    #: Reason why its workflow task fails, the number of attempts, and the remedy.
    reason: str
    attempt: int
    remedy: str


async def failing_runs(client: Client, task_queue: str, output: Output) -> list[FailingRun]:
    """Return all failing runs; none if the server cannot list them."""
    found = await waiting_if_listed(client, task_queue, IS_FAILING, *WORKFLOW_TYPES)
    if found is None:
        output.line("This server cannot list runs whose workflow task keeps failing.", "yellow")
        return []
    runs = await of_each(found, lambda run: _read(client, run))
    return [run for run in runs if run is not None]


async def _read(client: Client, run: WorkflowExecution) -> FailingRun | None:
    described = await description(client, run.id, run.run_id)
    task = await failing_task(client, described) if described else None
    if task is None:
        return None  # the server's list may be out of date
    return FailingRun(
        workflow_id=run.id,
        run_id=run.run_id,
        workflow_type=run.workflow_type,
        reason=task.reason,
        attempt=task.attempt,
        remedy=task.remedy,
    )


def say_failing(run: FailingRun, output: Output) -> None:
    """Show a failing run, the command to examine it, and the remedy."""
    output.line(f"{printable(run.workflow_id)} cannot go on, run {run.run_id}", "bold")
    output.link(run.workflow_id, run.run_id)
    output.sentence(
        f"{WAITS} Its workflow task fails: {run.reason} (attempt {run.attempt})",
        "bold red",
    )
    output.line("  To look at it:")
    output.line(f"    {describe_command(run.workflow_id, run.run_id)}")
    output.sentence(f"  Remedy: {run.remedy}.")
