"""Way forward of a saga: each step is done as its kind demands, until one turns the saga back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import FailureError
from typing_extensions import Never

from messages.sagas import StepState
from workflows.chain import idempotency_key
from workflows.closing import Turn
from workflows.failure import explain, is_refusal, ran_out_of_time
from workflows.orchestration.compensation import CompensationStack
from workflows.orchestration.decisions import Decisions
from workflows.orchestration.direction import Direction, SagaTurnedBack
from workflows.orchestration.earlier_life import EarlierLife
from workflows.orchestration.fast_path import FastPath
from workflows.orchestration.insistence import Insistence, NeverDone
from workflows.orchestration.step import Pivot, ReplyT, RequestT, SagaStep, Step
from workflows.orchestration.under_way import UnderWay
from workflows.progress import Progress
from workflows.uninterrupted import finish, until


class WayForward:
    """Way forward of one saga."""

    def __init__(
        self,
        progress: Progress,
        direction: Direction,
        stack: CompensationStack,
        decisions: Decisions,
        earlier_life: EarlierLife,
    ) -> None:
        self._progress = progress
        self._direction = direction
        self._stack = stack
        self._earlier_life = earlier_life
        self._insistence = Insistence(progress, decisions)
        self._fast_path = FastPath()
        #: Whether a step was refused. Then no step after it was ever begun.
        self._refused = False
        self._under_way = UnderWay()
        self._forward: asyncio.Task[None] | None = None

    async def go(self, body: Coroutine[None, None, None]) -> None:
        """Take the saga's coroutine as far as it goes, and every step with it.

        Raises:
            RuntimeError: the coroutine failed although the saga can only go forward.
        """
        self._forward = asyncio.create_task(body)
        try:
            await finish(self._forward, on_cancel=self._cancelled_natively)
        except SagaTurnedBack:
            pass  # self._direction has the reason
        except (FailureError, asyncio.TimeoutError, asyncio.CancelledError) as error:
            if self._direction.committed_to is not None:
                # This fails the workflow task, so the run stays open until the code is mended.
                raise RuntimeError("the saga gives up, but can only go forward") from error
            self._direction.turn_back("FAILED", explain(error), None)
        if self._direction.turn is not None:
            self._under_way.interrupt()
        # Gathered steps, of which one has failed. The others may still have their effect.
        await until(self._under_way.is_over, on_cancel=self._cancelled_natively)

    async def step(
        self, step: SagaStep[RequestT, ReplyT], request: Callable[[str], RequestT]
    ) -> ReplyT | None:
        """Run one step; see :meth:`workflows.orchestration.saga.Saga.step`."""
        self._direction.check()
        with self._under_way.step(step):
            if not isinstance(step, Step):
                return await self._do_for_good(step, request)
            if self._direction.committed_to is not None:
                raise RuntimeError(f"{step.name} comes too late to be undone")
            return await self._do(step, request)

    async def confirm(self) -> None:
        """Turn back if an earlier run of the chain has undone a step."""
        unconfirmed = await self._earlier_life.confirm()
        if unconfirmed is not None:
            step, error = unconfirmed
            self._failed(step, error, step.policy.window)

    async def go_on_if_done_before(self, turn: Turn) -> None:
        """Go forward after all, if a step that cannot be undone was done before a reset.

        Only an operator can tell: to repeat the action would do it, if it was not done.
        """
        final = self._earlier_life.final_steps()
        if not final or self._progress[final[0][0].name].state is not StepState.PENDING:
            return
        why = f"turned back ({turn.error}), but it may have been done before the reset"
        but = {"retry": "must not be repeated, since the saga has turned back"}
        first, *others = final
        verdict = await self._insistence.ask(*first, why, may_turn_back=True, but=but)
        if verdict == "stands":
            self._direction.go_on(first[0].name)
            for other in others:
                await self._insistence.act(*other)

    @property
    def never_done(self) -> list[str]:
        """Steps that an operator recorded as never done."""
        return self._insistence.never_done

    def a_task_may_be_lost(self) -> bool:
        """Tell whether a lost workflow task may have done steps that this history lacks."""
        return self._fast_path.was_taken() and not self._refused

    def interrupt(self) -> None:
        """End the current actions, if the saga has turned back."""
        if self._direction.turn is not None:
            self._under_way.interrupt(also=self._forward)

    def _cancelled_natively(self) -> None:
        self._direction.turn_back_natively()
        self.interrupt()

    async def _do(self, step: Step[RequestT, ReplyT], request: Callable[[str], RequestT]) -> ReplyT:
        time_left = self._direction.time_left(step.name)
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
        self._direction.check()
        return reply

    async def _do_for_good(
        self, step: SagaStep[RequestT, ReplyT], request: Callable[[str], RequestT]
    ) -> ReplyT | None:
        if self._direction.committed_to is None:
            self._direction.time_left(step.name)
            await self.confirm()
            self._direction.check()
        elif isinstance(step, Pivot):
            raise RuntimeError(f"{step.name} comes after {self._direction.committed_to}")
        self._direction.commit(step.name)
        try:
            return await self._insistence.act(step, request(idempotency_key(step.name)))
        except (FailureError, NeverDone) as error:
            why = str(error) if isinstance(error, NeverDone) else explain(error)
            self._direction.refused(step.name, why)
            raise SagaTurnedBack from error

    def _failed(
        self, step: SagaStep[Never, object], error: BaseException, time_left: timedelta
    ) -> None:
        if is_refusal(error, step.refusals):
            self._stack.drop(step.name)
            self._refused = True
        why = explain(error)
        if ran_out_of_time(error) and time_left < step.policy.window:
            why = f"deadline passed: {why}"
        self._progress.failed(step.name, why)
        self._direction.turn_back("FAILED", why, step.name)
        self._under_way.interrupt()

    def _is_final(self, step: SagaStep[Never, object], error: Exception) -> bool:
        turned_back = self._direction.turn is not None
        cancelled = workflow.cancellation_reason() is not None
        return turned_back or cancelled or is_refusal(error, step.refusals)
