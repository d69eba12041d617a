"""Saga executor: runs the steps in order, and undoes them in reverse order if one fails.

It knows nothing about orders. A saga is a coroutine that calls :meth:`Saga.step`. A test in
``tests/workflows`` builds a saga with other steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import overload

from temporalio import workflow
from temporalio.exceptions import ApplicationError, CancelledError
from typing_extensions import Never

from messages.sagas import (
    ResolveCompensation,
    SagaRolledBack,
    SagaStatus,
    SagaSucceeded,
    SagaView,
    StepState,
)
from workflows.closing import Turn, closing_failure
from workflows.orchestration.compensation import CompensationStack
from workflows.orchestration.decisions import Decisions
from workflows.orchestration.direction import Direction
from workflows.orchestration.earlier_life import EarlierLife
from workflows.orchestration.forward import WayForward
from workflows.orchestration.step import Pivot, ReplyT, RequestT, Retriable, SagaStep, Step
from workflows.progress import Progress
from workflows.uninterrupted import finish


class Saga:
    """Execution of one saga inside a workflow.

    Args:
        saga_id: names the saga in its status and result.
        steps: every step that the saga may take, in order. The status also shows those that
            have not begun.
        deadline: limit of all actions together, counted from the placing of the order, which is the
            start of the run. It ends with the first step that cannot be undone.
        parallel_compensation: undo all steps at once instead of one after the other.
        requests: makes the request of each step, by step name. After a reset, the run needs it
            to undo effects of the earlier run; without it, those are ignored. A saga with steps
            that cannot be undone must have it.
    """

    def __init__(
        self,
        saga_id: str,
        steps: Sequence[SagaStep[Never, object]],
        deadline: timedelta,
        *,
        parallel_compensation: bool = False,
        requests: Callable[[], Mapping[str, object]] | None = None,
    ) -> None:
        self._earlier_life = EarlierLife(steps, requests)
        self._progress = Progress(saga_id, [step.name for step in steps], deadline)
        self._decisions = Decisions(self._progress)
        self._stack = CompensationStack(
            self._progress, self._decisions, parallel=parallel_compensation
        )
        self._direction = Direction(self._progress)
        self._way = WayForward(
            self._progress, self._direction, self._stack, self._decisions, self._earlier_life
        )

    async def run(self, body: Callable[[Saga], Coroutine[None, None, None]]) -> SagaSucceeded:
        """Run the saga to its end.

        Raises:
            ApplicationError: the saga was rolled back; the only detail is the
                :class:`~messages.sagas.SagaRolledBack`.
            CancelledError: the saga was rolled back, because Temporal cancelled the run.
            RuntimeError: the saga's own code failed although the saga can only go forward.
        """
        await self._way.go(body(self))
        # If a cancel arrives in the same workflow task as the last step's success, the forward
        # task has already ended. Without this check the cancelled order would be delivered.
        if workflow.cancellation_reason() is not None:
            self._direction.turn_back_natively()
        if self._direction.turn is None and self._direction.committed_to is None:
            await self._way.confirm()
        if self._direction.turn is not None:
            await finish(asyncio.create_task(self._way.go_on_if_done_before(self._direction.turn)))
        if self._direction.turn is not None:
            raise await self._roll_back(self._direction.turn)
        return self._succeed()

    @overload
    async def step(
        self, step: Step[RequestT, ReplyT], request: Callable[[str], RequestT]
    ) -> ReplyT: ...

    @overload
    async def step(
        self,
        step: Pivot[RequestT, ReplyT] | Retriable[RequestT, ReplyT],
        request: Callable[[str], RequestT],
    ) -> ReplyT | None: ...

    async def step(
        self, step: SagaStep[RequestT, ReplyT], request: Callable[[str], RequestT]
    ) -> ReplyT | None:
        """Run the step's action as its kind demands.

        Independent steps of one kind may run at the same time, in ``asyncio.gather``.

        Args:
            request: makes the step's request from its idempotency key.

        Returns:
            The reply. None if a step that cannot be undone was done by hand.

        Raises:
            SagaTurnedBack: the step failed, or the saga has turned back. Do not catch it.
            RuntimeError: a step of this kind may not begin now.
        """
        return await self._way.step(step, request)

    def view(self) -> SagaView:
        """Return the state of the saga and of its steps."""
        return self._progress.view()

    def check_cancel(self) -> None:
        """Refuse a cancel that comes too late; see :meth:`Direction.check_cancel`."""
        self._direction.check_cancel()

    def cancel(self, reason: str) -> None:
        """Turn back: no further step begins, and every effect is undone."""
        self._direction.cancel(reason)
        self._way.interrupt()

    def check_resolve(self, decision: ResolveCompensation) -> None:
        """Refuse a decision; see :meth:`Decisions.check`."""
        self._decisions.check(decision)

    def resolve(self, decision: ResolveCompensation) -> None:
        """Accept a decision; see :meth:`Decisions.resolve`."""
        self._decisions.resolve(decision)

    async def _roll_back(self, turn: Turn) -> ApplicationError | CancelledError:
        """Undo every effect, and return the failure with which the run closes."""
        may_be_lost = self._way.a_task_may_be_lost()
        recalled = self._earlier_life.recall(self._stack, a_task_may_be_lost=may_be_lost)
        # In a task of its own: a cancel of the workflow would otherwise end the compensations.
        unwinding = asyncio.create_task(self._stack.unwind())
        await finish(unwinding)
        self._progress.move_to(SagaStatus(turn.status))
        result = SagaRolledBack(
            saga_id=self._progress.saga_id,
            status=turn.status,
            failed_step=turn.step,
            error=turn.error,
            compensated_steps=self._compensated(recalled),
            resolved_manually=(*self._way.never_done, *self._stack.resolved),
        )
        return closing_failure(result, natively=turn.natively)

    def _compensated(self, recalled: Container[str]) -> tuple[str, ...]:
        # A recalled step may never have begun, so the result names it only if it had an effect.
        stack = self._stack
        return tuple(
            step
            for step in stack.compensated
            if step not in recalled or step not in stack.without_effect
        )

    def _succeed(self) -> SagaSucceeded:
        self._progress.move_to(SagaStatus.SUCCESS)
        completed = len(self._progress.in_state(StepState.SUCCESS))
        return SagaSucceeded(saga_id=self._progress.saga_id, completed_steps=completed)
