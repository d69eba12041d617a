"""Insistence on actions that cannot be undone: until they succeed, or an operator decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from workflows.failure import explain, is_refusal
from workflows.orchestration.decisions import Decisions, by_hand, recorder
from workflows.orchestration.step import Pivot, ReplyT, RequestT, SagaStep, act
from workflows.progress import Progress

#: ``stands``: the step is done. ``never``: it is not, and never will be.
Verdict = Literal["retry", "stands", "never"]


class NeverDone(Exception):
    """An operator recorded that the step is not done, and never will be."""


class Insistence:
    """Actions of a saga's pivot and of its retriable steps."""

    def __init__(self, progress: Progress, decisions: Decisions) -> None:
        self._progress = progress
        self._decisions = decisions
        #: Steps that an operator recorded as never done.
        self.never_done: list[str] = []

    async def act(self, step: SagaStep[RequestT, ReplyT], request: RequestT) -> ReplyT | None:
        """Run the step's action until it is known to be done.

        Returns:
            The reply; None if only an operator knows that the step is done.

        Raises:
            FailureError: the service refused the pivot.
            NeverDone: an operator recorded that the pivot was not done.
        """
        while True:
            self._progress.started(step.name)
            try:
                reply = await act(step, request, step.policy.window)
            except Exception as error:
                why = explain(error)
                if isinstance(step, Pivot) and is_refusal(error, step.refusals):
                    self._progress.failed(step.name, why)
                    raise
            else:
                self._progress.succeeded(step.name)
                return reply
            verdict = await self.ask(step, request, why, may_turn_back=isinstance(step, Pivot))
            if verdict == "never":
                raise NeverDone(f"{why}; an operator recorded that it was not done")
            if verdict == "stands":
                return None

    async def ask(
        self,
        step: SagaStep[RequestT, object],
        request: RequestT,
        why: str,
        *,
        may_turn_back: bool,
        but: Mapping[str, str] | None = None,
    ) -> Verdict:
        """Park the step until an operator has decided about it.

        Args:
            why: reason why the step is parked.
            may_turn_back: the saga can still turn back if the step was not done.
            but: actions that are not allowed, with the reason.
        """
        while True:
            self._progress.parked(step.name, why, undoing=False)
            decision = await self._decisions.on(step.name, but or {})
            if decision.action == "retry":
                return "retry"
            resolution, kept = by_hand(decision), decision.action == "keep"
            record = recorder(step, request)
            try:
                if record is not None:
                    await record(resolution, "kept" if kept else "undone")
            except Exception as error:
                why = explain(error)
                continue
            if may_turn_back and not kept:
                self.never_done.append(step.name)
                self._progress.compensated(step.name, resolution)
                return "never"
            self._progress.kept(step.name, resolution)
            return "stands"
