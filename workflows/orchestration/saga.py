"""Saga executor, which goes forward step by step, or back until nothing stands.

It knows nothing of orders. A saga is a coroutine that calls :meth:`Saga.step`; a test in
``tests/workflows`` builds another one with other steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ApplicationError, CancelledError, FailureError
from typing_extensions import Never

from messages.ids import OperationId
from messages.sagas import (
    ResolveCompensation,
    SagaRolledBack,
    SagaStatus,
    SagaSucceeded,
    SagaView,
    StepState,
)
from workflows.closing import Turn, closing_failure
from workflows.failure import brief, explain, is_refusal, ran_out_of_time
from workflows.orchestration.compensation import CompensationStack
from workflows.orchestration.earlier_life import EarlierLife
from workflows.orchestration.step import ReplyT, RequestT, Step, act
from workflows.progress import Progress
from workflows.uninterrupted import finish


class SagaTurnedBack(Exception):
    """End of the saga's coroutine: no further step may begin."""


class Saga:
    """One run of a saga, inside a workflow.

    Args:
        saga_id: names the saga in its status and result.
        steps: every step the saga may take, in order, so that the status can show those
            that have not begun.
        deadline: time for the way forward, counted from the start of the run.
        parallel_compensation: undo all steps at once instead of one after the other.
        requests: what each step asks its service, by step. A run that a reset has made needs
            them to go back over what its history does not tell; without them it cannot.
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
        self._turn: Turn | None = None
        self._forward: asyncio.Task[None] | None = None

    async def run(self, body: Callable[[Saga], Coroutine[None, None, None]]) -> SagaSucceeded:
        """Run the saga to its end.

        Raises:
            ApplicationError: nothing stands any more; its one detail is the
                :class:`~messages.sagas.SagaRolledBack`.
            CancelledError: likewise, after Temporal's own cancel.
        """
        self._forward = asyncio.create_task(body(self))
        try:
            await finish(self._forward, on_cancel=self._cancelled_natively)
        except (SagaTurnedBack, asyncio.CancelledError):
            pass  # self._turn says why
        except (FailureError, asyncio.TimeoutError) as error:
            self._turn_back("FAILED", explain(error), None)
        # A cancel that came together with the last step's success is no less of a cancel.
        if workflow.cancellation_reason() is not None:
            self._turn_back_natively()
        if self._turn is None:
            await self._confirm()
        if self._turn is not None:
            raise await self._gone_back(self._turn)
        return self._succeed()

    async def step(
        self, step: Step[RequestT, ReplyT], request: Callable[[str], RequestT]
    ) -> ReplyT:
        """Take one step.

        Args:
            step: what to do, and what undoes it.
            request: makes the step's request around its idempotency key.

        Raises:
            SagaTurnedBack: the step failed, or the saga must not go on; let it pass.
        """
        time_left = self._time_left(step.name)
        message = request(self._key(step.name))
        # Before the action, so that no way of failing can lose it.
        self._stack.push(step, message)
        self._progress.started(step.name)
        try:
            reply = await act(step, message, time_left)
        # Not GeneratorExit: it ends a run that is dropped from memory, not the saga.
        except (Exception, asyncio.CancelledError) as error:
            self._failed(step, error, time_left)
            raise SagaTurnedBack from error
        self._progress.succeeded(step.name)
        if self._turn is not None:
            raise SagaTurnedBack
        return reply

    def view(self) -> SagaView:
        """Return where the saga stands."""
        return self._progress.view()

    def check_cancel(self) -> None:
        """Refuse a cancel that comes too late.

        Raises:
            ValueError: the saga is over, or on its way back already.
        """
        if self._turn is not None:
            raise ValueError(f"too late to cancel: already turned back ({self._turn.error})")
        if self._progress.status is SagaStatus.SUCCESS:
            raise ValueError("too late to cancel: already succeeded")

    def cancel(self, reason: str) -> None:
        """Turn back: no further step begins, and what stands is undone."""
        self._turn_back("CANCELLED", reason, self._step_under_way())
        self._interrupt()

    def check_resolve(self, decision: ResolveCompensation) -> None:
        """See :meth:`CompensationStack.check`."""
        self._stack.check(decision)

    def resolve(self, decision: ResolveCompensation) -> None:
        """See :meth:`CompensationStack.resolve`."""
        self._stack.resolve(decision)

    async def _confirm(self) -> None:
        unconfirmed = await self._earlier_life.confirm()
        if unconfirmed is not None:
            step, error = unconfirmed
            self._failed(step, error, step.policy.window)

    async def _gone_back(self, turn: Turn) -> ApplicationError | CancelledError:
        """Undo whatever stands; returns the failure with which the run closes."""
        forgotten = self._earlier_life.recall(self._stack)
        # A cancel that arrives from here on changes nothing: what remains is still undone.
        unwinding = asyncio.create_task(self._stack.unwind())
        await finish(unwinding)
        self._progress.move_to(SagaStatus(turn.status))
        result = SagaRolledBack(
            saga_id=self._progress.saga_id,
            status=turn.status,
            failed_step=turn.step,
            error=turn.error,
            compensated_steps=self._compensated(forgotten),
            resolved_manually=tuple(self._stack.resolved),
        )
        return closing_failure(result, natively=turn.natively)

    def _compensated(self, forgotten: Container[str]) -> tuple[str, ...]:
        stack = self._stack
        return tuple(
            step
            for step in stack.compensated
            if step not in forgotten or step not in stack.without_effect
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
        self._turn_back("CANCELLED", reason, self._step_under_way(), natively=True)

    def _cancelled_natively(self) -> None:
        self._turn_back_natively()
        self._interrupt()

    def _interrupt(self) -> None:
        # Reaches the action that is under way: at once if it waits for its next retry,
        # when its attempt is over if it runs.
        if self._forward is not None:
            self._forward.cancel()

    def _failed(
        self, step: Step[Never, object], error: BaseException, time_left: timedelta
    ) -> None:
        if is_refusal(error, step.refusals):
            self._stack.drop(step.name)
        why = explain(error)
        if ran_out_of_time(error) and time_left < step.policy.window:
            why = f"deadline passed: {why}"
        self._progress.failed(step.name, why)
        self._turn_back("FAILED", why, step.name)

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

    def _step_under_way(self) -> str | None:
        running = self._progress.in_state(StepState.RUNNING)
        return running[0] if running else None

    @staticmethod
    def _key(step: str) -> str:
        info = workflow.info()
        return str(OperationId(info.workflow_id, info.first_execution_run_id, step))
