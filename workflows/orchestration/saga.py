"""Saga executor: runs the steps in order, and undoes them in reverse order if one fails.

It knows nothing about orders. A saga is a coroutine that calls :meth:`Saga.step`. A test in
``tests/workflows`` builds a saga with other steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ApplicationError, CancelledError, FailureError
from typing_extensions import Never

from messages.sagas import (
    ResolveCompensation,
    SagaRolledBack,
    SagaStatus,
    SagaSucceeded,
    SagaView,
    StepState,
)
from workflows.chain import idempotency_key
from workflows.closing import Turn, closing_failure
from workflows.failure import brief, explain, is_refusal, ran_out_of_time
from workflows.orchestration.compensation import CompensationStack
from workflows.orchestration.earlier_life import EarlierLife
from workflows.orchestration.fast_path import FastPath
from workflows.orchestration.step import ReplyT, RequestT, Step
from workflows.progress import Progress
from workflows.uninterrupted import finish


class SagaTurnedBack(Exception):
    """The saga has turned back, so its coroutine has to end."""


class Saga:
    """Execution of one saga inside a workflow.

    Args:
        saga_id: names the saga in its status and result.
        steps: every step that the saga may take, in order. The status also shows those that
            have not begun.
        deadline: limit of all actions together, counted from the placing of the order, which is the
            start of the run.
        parallel_compensation: undo all steps at once instead of one after the other.
        requests: makes the request of each step, by step name. After a reset, the run needs it
            to undo effects of the earlier run; without it, those are ignored.
    """

    def __init__(
        self,
        saga_id: str,
        steps: Sequence[Step[Never, object]],
        deadline: timedelta,
        *,
        parallel_compensation: bool = False,
        requests: Callable[[], Mapping[str, object]] | None = None,
    ) -> None:
        self._earlier_life = EarlierLife(steps, requests)
        self._progress = Progress(saga_id, [step.name for step in steps], deadline)
        self._stack = CompensationStack(self._progress, parallel=parallel_compensation)
        self._fast_path = FastPath()
        self._turn: Turn | None = None
        #: Whether a step was refused. Then no step after it was ever begun.
        self._refused = False
        self._forward: asyncio.Task[None] | None = None

    async def run(self, body: Callable[[Saga], Coroutine[None, None, None]]) -> SagaSucceeded:
        """Run the saga to its end.

        Raises:
            ApplicationError: the saga was rolled back; the only detail is the
                :class:`~messages.sagas.SagaRolledBack`.
            CancelledError: the saga was rolled back, because Temporal cancelled the run.
        """
        self._forward = asyncio.create_task(body(self))
        try:
            await finish(self._forward, on_cancel=self._cancelled_natively)
        except (SagaTurnedBack, asyncio.CancelledError):
            pass  # self._turn has the reason
        except (FailureError, asyncio.TimeoutError) as error:
            self._turn_back("FAILED", explain(error), None)
        # If a cancel arrives in the same workflow task as the last step's success, the forward
        # task has already ended. Without this check the cancelled order would be delivered.
        if workflow.cancellation_reason() is not None:
            self._turn_back_natively()
        if self._turn is None:
            await self._confirm()
        if self._turn is not None:
            raise await self._roll_back(self._turn)
        return self._succeed()

    async def step(
        self, step: Step[RequestT, ReplyT], request: Callable[[str], RequestT]
    ) -> ReplyT:
        """Run the step's action, with its compensation registered.

        Args:
            request: makes the step's request from its idempotency key.

        Raises:
            SagaTurnedBack: the step failed, or the saga has turned back. Do not catch it.
        """
        time_left = self._time_left(step.name)
        message = request(idempotency_key(step.name))
        # Before the action, which may take effect although its reply is lost. A compensation
        # registered only after it would then never run.
        self._stack.push(step, message)
        self._progress.started(step.name)
        try:
            reply = await self._fast_path.act(step, message, time_left, self._is_final)
        # Not BaseException: with one (_WorkflowBeingEvictedError, GeneratorExit) the SDK ends a
        # run that it evicts from its cache. The saga is not over then, since a replay resumes it.
        except (Exception, asyncio.CancelledError) as error:
            self._failed(step, error, time_left)
            raise SagaTurnedBack from error
        self._progress.succeeded(step.name)
        if self._turn is not None:
            raise SagaTurnedBack
        return reply

    def view(self) -> SagaView:
        """Return the state of the saga and of its steps."""
        return self._progress.view()

    def check_cancel(self) -> None:
        """Refuse a cancel that comes too late.

        Raises:
            ValueError: the saga has succeeded or has already turned back.
        """
        if self._turn is not None:
            raise ValueError(f"too late to cancel: already turned back ({self._turn.error})")
        if self._progress.status is SagaStatus.SUCCESS:
            raise ValueError("too late to cancel: already succeeded")

    def cancel(self, reason: str) -> None:
        """Turn back: no further step begins, and every effect is undone."""
        self._turn_back("CANCELLED", reason, self._running_step())
        self._interrupt()

    def check_resolve(self, decision: ResolveCompensation) -> None:
        """Refuse a decision; see :meth:`CompensationStack.check`."""
        self._stack.check(decision)

    def resolve(self, decision: ResolveCompensation) -> None:
        """Accept a decision; see :meth:`CompensationStack.resolve`."""
        self._stack.resolve(decision)

    async def _confirm(self) -> None:
        unconfirmed = await self._earlier_life.confirm()
        if unconfirmed is not None:
            step, error = unconfirmed
            self._failed(step, error, step.policy.window)

    async def _roll_back(self, turn: Turn) -> ApplicationError | CancelledError:
        """Undo every effect, and return the failure with which the run closes."""
        recalled = self._earlier_life.recall(
            self._stack, a_task_may_be_lost=self._fast_path.was_taken() and not self._refused
        )
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
            resolved_manually=tuple(self._stack.resolved),
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

    def _turn_back(
        self,
        status: Literal["FAILED", "CANCELLED"],
        error: str,
        step: str | None,
        *,
        natively: bool = False,
    ) -> None:
        if self._turn is None:
            self._turn = Turn(status, brief(error), step, natively)
            self._progress.error = self._turn.error

    def _turn_back_natively(self) -> None:
        reason = workflow.cancellation_reason() or "cancelled through Temporal"
        self._turn_back("CANCELLED", reason, self._running_step(), natively=True)

    def _cancelled_natively(self) -> None:
        self._turn_back_natively()
        self._interrupt()

    def _interrupt(self) -> None:
        # Cancels the current action. If it waits for its next retry, it ends at once; if an
        # attempt is running, it ends with that attempt.
        if self._forward is not None:
            self._forward.cancel()

    def _failed(
        self, step: Step[Never, object], error: BaseException, time_left: timedelta
    ) -> None:
        if is_refusal(error, step.refusals):
            self._stack.drop(step.name)
            self._refused = True
        why = explain(error)
        if ran_out_of_time(error) and time_left < step.policy.window:
            why = f"deadline passed: {why}"
        self._progress.failed(step.name, why)
        self._turn_back("FAILED", why, step.name)

    def _is_final(self, step: Step[Never, object], error: Exception) -> bool:
        turned_back = self._turn is not None or workflow.cancellation_reason() is not None
        return turned_back or is_refusal(error, step.refusals)

    def _time_left(self, step: str) -> timedelta:
        if workflow.cancellation_reason() is not None:
            self._turn_back_natively()
        if self._turn is not None:
            raise SagaTurnedBack
        time_left = self._progress.deadline - workflow.now()
        if time_left <= timedelta(0):
            self._turn_back("FAILED", f"deadline passed before {step}", None)
            raise SagaTurnedBack
        return time_left

    def _running_step(self) -> str | None:
        running = self._progress.in_state(StepState.RUNNING)
        return running[0] if running else None
