"""Terminal output about sagas: their steps, their outcome, and commands for operators."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.command_lines import command
from cli.output import Output
from messages.marks import DONE, FAILED, MARK_OF, UNDONE, WAITS
from messages.sagas import SagaRolledBack, SagaSucceeded, SagaView, StepState, StepView
from runs.results import BrokenOff, Outcome

#: Style of each state of a step.
_STYLES = {
    StepState.PENDING: "dim",
    StepState.RUNNING: "cyan",
    StepState.SUCCESS: "green",
    StepState.FAILED: "red",
    StepState.COMPENSATING: "yellow",
    StepState.COMPENSATED: "yellow",
    StepState.NEEDS_INTERVENTION: "bold red",
}


def steps_table(view: SagaView, *, narrow: bool) -> RenderableType:
    """Return the steps with their states and remarks, as a table or, if it is narrow, as a list."""
    if narrow:
        return Group(*(part for step in view.steps for part in _stacked(step)))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for step in view.steps:
        mark, style = MARK_OF[step.state], _STYLES[step.state]
        table.add_row(
            Text(f"  {mark} {step.name}", style),
            Text(step.state.value, style),
            Text(remark(step)),
        )
    return table


def _stacked(step: StepView) -> list[RenderableType]:
    mark, style = MARK_OF[step.state], _STYLES[step.state]
    head = Text(f"{mark} {step.name} {step.state.value}", style)
    return [head, Padding(remark(step), (0, 0, 0, 2))] if remark(step) else [head]


def step_line(step: StepView) -> str:
    """Return a row of :func:`steps_table` as text, for output that is not a terminal."""
    mark = MARK_OF[step.state]
    return f"  {mark} {step.name:<20}  {step.state.value:<11}  {remark(step)}".rstrip()


def say_steps(view: SagaView, output: Output) -> None:
    """Show each step; outside a terminal, in lines that are never wrapped or padded."""
    if output.console.is_terminal:
        output.say(steps_table(view, narrow=output.is_narrow))
        return
    for step in view.steps:
        output.line(step_line(step))


def remark(step: StepView) -> str:
    """Return the reason for the state of a step, or an empty text."""
    if step.resolution:
        return f"by hand: {step.resolution.operator}: {step.resolution.note}"
    if step.compensation_error:
        return f"cannot be undone: {step.compensation_error}"
    return step.error or ""


def say_outcome(outcome: Outcome, output: Output) -> None:
    """Show how a run ended."""
    if isinstance(outcome, SagaSucceeded):
        output.line(f"{DONE} {outcome.status}: {outcome.completed_steps} steps, all stand", "green")
    elif isinstance(outcome, BrokenOff):
        output.sentence(f"{FAILED} {outcome.status}: {outcome.error}", "red")
        output.sentence("  The run left no readable result; see the audit, and reconcile.")
    else:
        _say_rolled_back(outcome, output)


def _say_rolled_back(outcome: SagaRolledBack, output: Output) -> None:
    at = f" at {outcome.failed_step}" if outcome.failed_step else ""
    output.sentence(f"{UNDONE} {outcome.status}{at}: {outcome.error}", "yellow")
    undone = ", then ".join(outcome.compensated_steps) or "nothing had to be"
    output.sentence(f"  undone: {undone}", "yellow")
    if outcome.resolved_manually:
        output.sentence(f"  undone by hand: {', '.join(outcome.resolved_manually)}", "yellow")


def say_how_to_resolve(
    order_id: str, view: SagaView, output: Output, *, leftover: bool = False
) -> None:
    """Show the steps of a parked saga that wait, with the commands that resolve them."""
    for step in view.steps:
        if step.state is not StepState.NEEDS_INTERVENTION:
            continue
        if step.compensation_error is None:
            _say_how_to_go_on(order_id, step, output)
            continue
        # Its compensation was never tried, because nothing proves that the step must be undone.
        doubted = leftover and step.compensation_error == view.error
        what = "is not undone without your decision" if doubted else "cannot be undone"
        output.sentence(f"{WAITS} {step.name} {what}: {step.compensation_error}", "bold red")
        again = "Undo it" if doubted else "Try it again"
        output.line(f"  {again}, or record that it was undone by hand:")
        for action, note in (("retry", "WHY"), ("mark_resolved", "EVIDENCE")):
            output.line(f"    {_resolve_command(order_id, step, action, note)}")
        if doubted:
            output.line("  Or keep its effect, if it is right:")
            output.line(f"    {_resolve_command(order_id, step, 'keep', 'EVIDENCE')}")


def _say_how_to_go_on(order_id: str, step: StepView, output: Output) -> None:
    output.sentence(f"{WAITS} {step.name} may be done or not: {step.error}", "bold red")
    output.line("  Try it again, or record that it is done, or settled by hand:")
    for action, note in (("retry", "WHY"), ("keep", "EVIDENCE"), ("mark_resolved", "EVIDENCE")):
        output.line(f"    {_resolve_command(order_id, step, action, note)}")


def _resolve_command(order_id: str, step: StepView, action: str, note: str) -> str:
    options = ("--step", step.name, "--action", action, "--note", note)
    return command("resolve", order_id, *options)
