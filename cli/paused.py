"""Runs that somebody has paused, or of which an activity is paused: only a person unpauses them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionDescription

from cli.command_lines import shell_word
from cli.output import Output
from messages.base import Message
from messages.marks import WAITS
from messages.text import phrase, printable
from messages.wire import WORKFLOW_TYPES
from runs.descriptions import description
from runs.listing import of_each, waiting_if_listed
from runs.pauses import Pause, pauses_of
from runs.visibility import IS_PAUSED


class PausedPart(Message):
    """Run or activity that is paused."""

    #: Type of the activity; None for the run itself.
    activity: str | None
    by: str
    reason: str
    since: datetime | None
    #: Command that unpauses it.
    command: str

    def __str__(self) -> str:
        what = f"its activity {self.activity}" if self.activity else "it"
        since = f" since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        by = f" by {self.by}" if self.by else ""
        why = f": {self.reason}" if self.reason else ""
        return phrase(f"{what} is paused{since}{by}{why}")


class PausedRun(Message):
    """Run that does not go on, or not with everything, until somebody unpauses it."""

    kind: Literal["paused"] = "paused"
    workflow_id: str
    run_id: str
    workflow_type: str
    paused: tuple[PausedPart, ...]


async def paused_runs(client: Client, task_queue: str) -> list[PausedRun]:
    """Return all runs with a pause; none from a server that is too old to pause anything."""
    found = await waiting_if_listed(client, task_queue, IS_PAUSED, *WORKFLOW_TYPES) or ()
    runs = await of_each(found, lambda run: _read(client, run))
    return [run for run in runs if run is not None]


async def _read(client: Client, run: WorkflowExecution) -> PausedRun | None:
    described = await description(client, run.id, run.run_id)
    paused = paused_parts(described) if described else ()
    if not paused:
        return None  # the server's list may be out of date
    return PausedRun(
        workflow_id=run.id, run_id=run.run_id, workflow_type=run.workflow_type, paused=paused
    )


def paused_parts(described: WorkflowExecutionDescription) -> tuple[PausedPart, ...]:
    """Return what of the run is paused: the run itself first, then activities."""
    return tuple(
        PausedPart(
            activity=pause.activity,
            by=pause.by,
            reason=pause.reason,
            since=pause.since,
            command=_unpause_command(described, pause),
        )
        for pause in pauses_of(described)
    )


def why_paused(described: WorkflowExecutionDescription) -> str | None:
    """Return why a paused run does not answer, and what to type; None if it is not paused."""
    whole = [part for part in paused_parts(described) if part.activity is None]
    return f"{whole[0]}; unpause it: {whole[0].command}" if whole else None


def say_paused(run: PausedRun, output: Output) -> None:
    """Show a run of which something is paused, and the commands that unpause it."""
    output.line(f"{printable(run.workflow_id)} does not go on, run {run.run_id}", "bold")
    output.link(run.workflow_id, run.run_id)
    say_parts(run.paused, output)


def say_parts(paused: Sequence[PausedPart], output: Output) -> None:
    """Show what is paused, and the commands that unpause it."""
    for part in paused:
        said = str(part)
        output.sentence(f"{WAITS} {said[0].upper()}{said[1:]}", "bold red")
        output.line("  To unpause it:")
        output.line(f"    {part.command}")


def _unpause_command(described: WorkflowExecutionDescription, pause: Pause) -> str:
    kind = "activity" if pause.activity_id else "workflow"
    words = ["temporal", kind, "unpause", "--workflow-id", shell_word(described.id)]
    words += ["--run-id", described.run_id]
    words += ["--activity-id", shell_word(pause.activity_id)] if pause.activity_id else []
    return " ".join(words)
