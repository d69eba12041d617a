"""Progress of one saga: a table in a terminal, lines anywhere else."""

from __future__ import annotations

from types import TracebackType

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text
from typing_extensions import Self

from cli.output import Output
from cli.render import step_line, steps_table
from messages.sagas import SagaView, StepState, StepView


class SagaScreen:
    """Display of the progress of one saga.

    Args:
        title: the line above the steps.
    """

    def __init__(self, output: Output, title: str) -> None:
        self._output = output
        self._title = title
        self._view: SagaView | None = None
        self._trouble: str | None = None
        self._live: Live | None = None
        if output.console.is_terminal:
            self._live = Live(console=output.console, get_renderable=self._picture)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        else:
            self._output.line(self._title)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, view: SagaView) -> None:
        """Show the present states of the steps."""
        before, self._view, self._trouble = self._view, view, None
        if self._live:
            self._live.refresh()
            return
        for step in _changed(before, view):
            self._output.line(step_line(step))

    def silent(self, why: str) -> None:
        """Show why the saga does not answer, once for each reason."""
        if why != self._trouble and not self._live:
            self._output.line(why, "yellow")
        self._trouble = why

    def _picture(self) -> RenderableType:
        parts: list[RenderableType] = [Text(self._title, "bold")]
        if self._view:
            parts.append(steps_table(self._view, narrow=self._output.is_narrow))
        if self._trouble:
            parts.append(Text(self._trouble, "yellow"))
        return Group(*parts)


#: Order in which changes are shown, when several steps have changed since the last query.
_SEQUENCE = (
    StepState.PENDING,
    StepState.SUCCESS,
    StepState.RUNNING,
    StepState.FAILED,
    StepState.NEEDS_INTERVENTION,
    StepState.COMPENSATED,
    StepState.COMPENSATING,
)


def _changed(before: SagaView | None, now: SagaView) -> list[StepView]:
    """Return the steps whose state has changed, in the order of the changes."""
    old = {step.name: step for step in before.steps} if before else {}
    changed = [step for step in now.steps if step != old.get(step.name, StepView(name=step.name))]
    return sorted(
        changed,
        key=lambda step: (_SEQUENCE.index(step.state), step.ended_at or now.deadline),
    )
