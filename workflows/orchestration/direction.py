"""Direction of a saga: forward, until it turns back, or until it can only go forward."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from temporalio import workflow

from messages.sagas import SagaStatus, StepState
from workflows.closing import Turn
from workflows.failure import brief
from workflows.progress import Progress


class SagaTurnedBack(Exception):
    """The saga has turned back, so its coroutine has to end."""


class Direction:
    """Direction of one saga.

    The first reason to turn back counts. While the saga is committed to a step that cannot be
    undone, there is none.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        #: Reason why the saga turned back, if it did.
        self.turn: Turn | None = None
        #: First step that cannot be undone, once it has begun.
        self.committed_to: str | None = None

    def check_cancel(self) -> None:
        """Refuse a cancel that comes too late.

        Raises:
            ValueError: the saga has succeeded, has turned back, or can only go forward.
        """
        if self.turn is not None:
            raise ValueError(f"too late to cancel: already turned back ({self.turn.error})")
        if self._progress.status is SagaStatus.SUCCESS:
            raise ValueError("too late to cancel: already succeeded")
        if self.committed_to is not None:
            raise ValueError(f"too late to cancel: {self.committed_to} cannot be undone")

    def time_left(self, step: str) -> timedelta:
        """Return the time left for a step that is about to begin.

        Raises:
            SagaTurnedBack: the saga has turned back, or does so because no time is left.
        """
        if workflow.cancellation_reason() is not None:
            self.turn_back_natively()
        self.check()
        time_left = self._progress.deadline - workflow.now()
        if time_left <= timedelta(0):
            self.turn_back("FAILED", f"deadline passed before {step}", None)
        self.check()
        return time_left

    def check(self) -> None:
        """Go on only if the saga has not turned back.

        Raises:
            SagaTurnedBack: it has.
        """
        if self.turn is not None:
            raise SagaTurnedBack

    def commit(self, step: str) -> None:
        """Only go forward from now on, because this step cannot be undone."""
        self.committed_to = self.committed_to or step

    def refused(self, step: str, error: str) -> None:
        """Turn back after all, because the step to which the saga was committed is not done.

        A native cancel that came meanwhile is the reason, because it came first.
        """
        self.committed_to = None
        if workflow.cancellation_reason() is not None:
            self.turn_back_natively(step)
        self.turn_back("FAILED", error, step)

    def go_on(self, step: str) -> None:
        """Go forward after all, because this step is done and cannot be undone."""
        self.turn = self._progress.error = None
        self.committed_to = step

    def turn_back(
        self,
        status: Literal["FAILED", "CANCELLED"],
        error: str,
        step: str | None,
        *,
        natively: bool = False,
    ) -> None:
        """Turn back, unless the saga has already done so or can only go forward."""
        if self.turn is None and self.committed_to is None:
            self.turn = Turn(status, brief(error), step, natively)
            self._progress.error = self.turn.error

    def cancel(self, reason: str) -> None:
        """Turn back because of the customer."""
        self.turn_back("CANCELLED", reason, self._running_step())

    def turn_back_natively(self, step: str | None = None) -> None:
        """Turn back because Temporal cancelled the run, in this step or in the running one."""
        reason = workflow.cancellation_reason() or "cancelled through Temporal"
        self.turn_back("CANCELLED", reason, step or self._running_step(), natively=True)

    def _running_step(self) -> str | None:
        running = self._progress.in_state(StepState.RUNNING)
        return running[0] if running else None
