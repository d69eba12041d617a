"""Progress of a saga, shown by the status query, the Web UI and visibility search."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from messages import marks
from messages.base import Resolution
from messages.sagas import SagaStatus, SagaView, StepState, StepView
from messages.wire import SAGA_STATUS

SAGA_STATUS_KEY = SearchAttributeKey.for_keyword(SAGA_STATUS)
#: Line in the details of what waits for an operator. The command prints others to paste.
# The Web UI shows it to people with a checkout and to others.
WHAT_TO_TYPE = "It waits for you. What to type: `starter.py inbox`, if installed `order-saga inbox`"


class Progress:
    """State of one saga and its steps; a saga that only goes forward adds no history event."""

    def __init__(self, saga_id: str, step_names: Iterable[str], deadline: timedelta) -> None:
        self.saga_id = saga_id
        self.status = SagaStatus.RUNNING
        self.error: str | None = None
        #: The time of the start request, so the deadline also counts time without any worker.
        self.started_at = workflow.info().workflow_start_time
        self.deadline = self.started_at + deadline
        self._steps = {name: StepView(name=name) for name in step_names}
        self._announced: SagaStatus | None = None

    def __getitem__(self, step: str) -> StepView:
        return self._steps[step]

    def in_state(self, state: StepState) -> tuple[str, ...]:
        """Return the names of the steps in that state, in the saga's order."""
        return tuple(step.name for step in self._steps.values() if step.state is state)

    def started(self, step: str) -> None:
        """Note that the step's action begins."""
        self._set(step, state=StepState.RUNNING, started_at=workflow.now(), error=None)
        self._derive_status()

    def succeeded(self, step: str) -> None:
        """Note that the step's effect stands."""
        self._set(step, state=StepState.SUCCESS, ended_at=workflow.now(), error=None)
        self._derive_status()

    def failed(self, step: str, error: str) -> None:
        """Note that the step's action failed."""
        self._set(step, state=StepState.FAILED, ended_at=workflow.now(), error=error)

    def compensating(self, step: str) -> None:
        """Note that the step's compensation begins or is retried."""
        self._set(step, state=StepState.COMPENSATING, compensation_error=None)
        self._derive_status()

    def compensated(self, step: str, by_hand: Resolution | None = None) -> None:
        """Note that the step has no effect any more."""
        self._set(step, state=StepState.COMPENSATED, ended_at=workflow.now(), resolution=by_hand)
        self._derive_status()

    def kept(self, step: str, by_hand: Resolution) -> None:
        """Note that an operator decided to keep the step's effect."""
        self._set(step, state=StepState.SUCCESS, ended_at=workflow.now(), resolution=by_hand)
        self._derive_status()

    def parked(self, step: str, error: str, *, undoing: bool = True) -> None:
        """Note that the step waits for an operator.

        Args:
            undoing: the compensation failed; otherwise it was the action.
        """
        self._set(
            step,
            state=StepState.NEEDS_INTERVENTION,
            ended_at=workflow.now(),
            **{"compensation_error" if undoing else "error": error},
        )
        self._derive_status()

    def move_to(self, status: SagaStatus) -> None:
        """Set the status of the saga as a whole."""
        self.status = status
        self._show()
        # Each upsert is a history event, so a saga that only goes forward makes none. A saga that
        # waited for an operator and then goes on removes the value again.
        forward = status in (SagaStatus.RUNNING, SagaStatus.SUCCESS)
        announced = None if forward else status
        if announced is not self._announced:
            value = (
                SAGA_STATUS_KEY.value_set(status.value)
                if announced
                else SAGA_STATUS_KEY.value_unset()
            )
            workflow.upsert_search_attributes([value])
            self._announced = announced

    def view(self) -> SagaView:
        """Return the answer to the status query."""
        return SagaView(
            saga_id=self.saga_id,
            status=self.status,
            steps=tuple(self._steps.values()),
            started_at=self.started_at,
            deadline=self.deadline,
            error=self.error,
        )

    def _set(self, step: str, **changes: object) -> None:
        self._steps[step] = self._steps[step].model_copy(update=changes)
        self._show()

    def _derive_status(self) -> None:
        if self.in_state(StepState.NEEDS_INTERVENTION):
            self.move_to(SagaStatus.NEEDS_INTERVENTION)
        else:
            self.move_to(SagaStatus.COMPENSATING if self.error is not None else SagaStatus.RUNNING)

    def _show(self) -> None:
        # Markdown needs an empty line before a list.
        lines = [f"**{self.status.value}**" + (f": {self.error}" if self.error else ""), ""]
        for step in self._steps.values():
            why = step.compensation_error or step.error
            lines.append(
                f"- {marks.MARK_OF[step.state]} `{step.name}` {step.state.value}"
                + (f": {why}" if why else "")
            )
        if self.status is SagaStatus.NEEDS_INTERVENTION:
            lines += ["", WHAT_TO_TYPE]
        workflow.set_current_details("\n".join(lines))
