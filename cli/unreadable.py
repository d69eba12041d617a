"""Runs that wait for an operator and cannot be read."""

from __future__ import annotations

from typing import Literal

from temporalio.client import WorkflowExecution
from typing_extensions import Self

from cli.command_lines import shell_word
from cli.output import Output
from messages.base import Message
from messages.text import printable


class Unreadable(Message):
    """Run that waits for an operator for an unknown reason."""

    kind: Literal["unreadable"] = "unreadable"
    workflow_id: str
    run_id: str
    problem: str

    @classmethod
    def of(cls, run: WorkflowExecution, problem: str) -> Self:
        """Return the entry for a run from the server's list."""
        return cls(workflow_id=run.id, run_id=run.run_id, problem=problem)


def say_unreadable(run: Unreadable, output: Output) -> None:
    """Show the run, with the command to examine it."""
    output.line(f"{printable(run.workflow_id)} waits, run {run.run_id}", "bold")
    output.sentence(f"  It cannot be read: {run.problem}", "bold red")
    output.line("  To look at it:")
    output.line(f"    {describe_command(run.workflow_id, run.run_id)}")


def describe_command(workflow_id: str, run_id: str | None = None) -> str:
    """Return the ``temporal`` command that describes a run, by default the newest one."""
    words = ["temporal", "workflow", "describe", "--workflow-id", shell_word(workflow_id)]
    return " ".join([*words, "--run-id", run_id] if run_id else words)
