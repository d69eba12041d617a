"""Operators' decisions on parked steps: the run waits for them, and the ledgers record them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial

from temporalio import workflow

from messages.base import Command, Resolution, Reversal
from messages.sagas import ResolveCompensation, StepState
from messages.settling import Decision, Settle
from workflows.orchestration.step import RequestT, SagaStep, settle
from workflows.progress import Progress

#: Records a decision in the service's ledger.
Record = Callable[[Resolution, Decision], Coroutine[None, None, Reversal]]


class Decisions:
    """Decisions that the parked steps of a saga wait for."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        #: Steps that wait; for each one the actions that it does not allow, with the reason.
        self._waiting: dict[str, Mapping[str, str]] = {}
        self._made: dict[str, ResolveCompensation] = {}

    def check(self, decision: ResolveCompensation) -> None:
        """Refuse a decision about a step that does not wait for one.

        Raises:
            ValueError: the step does not wait, or does not allow the action. The message says
                what can be decided.
        """
        if decision.step not in self._waiting:
            parked = self._progress.in_state(StepState.NEEDS_INTERVENTION)
            waiting = [step for step in parked if step in self._waiting]
            raise ValueError(
                f"{decision.step!r} does not wait for an operator"
                f" (waiting: {', '.join(waiting) or 'none'})"
            )
        if why := self._waiting[decision.step].get(decision.action):
            raise ValueError(f"{decision.step!r} {why}")

    def resolve(self, decision: ResolveCompensation) -> None:
        """Accept an operator's decision about a parked step."""
        self._waiting.pop(decision.step, None)
        self._made[decision.step] = decision

    async def on(self, step: str, but: Mapping[str, str]) -> ResolveCompensation:
        """Wait for the decision on a parked step.

        Args:
            but: actions that are not allowed, with the reason.
        """
        self._waiting[step] = but
        await workflow.wait_condition(lambda: step in self._made)
        return self._made.pop(step)


def by_hand(decision: ResolveCompensation) -> Resolution:
    """Return the decision as it is recorded."""
    return Resolution(operator=decision.operator, note=decision.note, at=workflow.now())


def recorder(step: SagaStep[RequestT, object], request: RequestT) -> Record | None:
    """Return what records a decision on the step; None if its service records none."""
    if step.settlement is None or not isinstance(request, Command):
        return None
    return partial(_record, step, request)


async def _record(
    step: SagaStep[RequestT, object],
    request: Command,
    by_hand: Resolution,
    decision: Decision,
) -> Reversal:
    return await settle(
        step,
        Settle(
            idempotency_key=request.idempotency_key,
            order_id=request.order_id,
            resolution=by_hand,
            decision=decision,
        ),
    )
