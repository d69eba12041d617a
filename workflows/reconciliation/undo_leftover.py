"""Undo of one leftover, by compensations or as an operator decides."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import cast

from temporalio import workflow
from temporalio.exceptions import FailureError
from typing_extensions import Never

with workflow.unsafe.imports_passed_through():
    from messages import wire
    from messages.base import Command, Resolution, Reversal
    from messages.ids import OperationId
    from messages.participants import requests_of
    from messages.reconciliation import Ended, Leftover, Reconciled
    from messages.sagas import ResolveCompensation, SagaStatus, SagaView, StepState
    from messages.settling import Decision, Settle

from workflows.closing import no_input
from workflows.orchestration.compensation import CompensationStack, Undo
from workflows.orchestration.decisions import Decisions
from workflows.orchestration.order_saga import STEPS
from workflows.orchestration.step import Step, settle, undo
from workflows.progress import Progress
from workflows.reconciliation import asking
from workflows.uninterrupted import finish

_MAY_BE_REOPENED = "Temporal does not say whether a reset has reopened the run"

# Never as the request type: the request comes from the ledger or from the order, by step name.
_STEPS: Mapping[str, Step[Never, object]] = {step.name: step for step in STEPS}


@workflow.defn(name=wire.UNDO_LEFTOVER)
class UndoLeftover:
    """Workflow that undoes one leftover, and asks an operator where it cannot."""

    @workflow.init
    def __init__(self, leftover: Leftover | None = None) -> None:
        if leftover is None or not set(leftover.steps).issubset(_STEPS):
            raise no_input("no leftover given")
        self._leftover = leftover
        self._progress = Progress(leftover.run.saga_id, leftover.steps, timedelta(0))
        self._progress.error = leftover.why
        doubts = dict.fromkeys(leftover.steps, leftover.why) if leftover.unproved else {}
        self._decisions = Decisions(self._progress)
        self._stack = CompensationStack(self._progress, self._decisions, doubts=doubts)
        for step in leftover.steps:
            self._stack.add(step, self._undo(step))

    @workflow.run
    async def run(self, leftover: Leftover | None = None) -> Reconciled:
        """Undo every step; a cancel is ignored, since nothing else would undo them."""
        return await finish(asyncio.create_task(self._undo_all()))

    @workflow.query(name=wire.STATUS)
    def status(self) -> SagaView:
        """Return every step with its state and times."""
        return self._progress.view()

    @workflow.update(
        name=wire.RESOLVE_COMPENSATION, description="decide on a step that cannot be undone"
    )
    def resolve_compensation(self, decision: ResolveCompensation) -> SagaView:
        """Apply an operator's decision about a step."""
        self._decisions.resolve(decision)
        return self._progress.view()

    @resolve_compensation.validator
    def _may_resolve(self, decision: ResolveCompensation) -> None:
        self._decisions.check(decision)

    async def _undo_all(self) -> Reconciled:
        if not self._leftover.unproved:
            status = await self._current_state()
            if status in ("open", "succeeded"):
                return self._leftover.reconciled()
            if status is None:
                self._stack.doubt(self._leftover.steps, _MAY_BE_REOPENED)
        unwinding = asyncio.create_task(self._stack.unwind())
        await workflow.wait_condition(lambda: unwinding.done() or self._waits())
        if not unwinding.done():
            await self._signal_the_reconciler()
        await unwinding
        self._progress.move_to(SagaStatus.SUCCESS)
        return self._so_far()

    async def _current_state(self) -> Ended | None:
        """Return the run's state now, since a reset may have reopened it after it was found.

        None if Temporal does not answer. Then nothing proves that the effects must be undone.
        """
        try:
            found = (await asking.examined([self._leftover.run])).runs
        except asking.NoAnswer:
            return None
        return found[0].fact.status if found else None

    def _waits(self) -> bool:
        """Tell whether every remaining step waits for an operator."""
        parked = self._progress.in_state(StepState.NEEDS_INTERVENTION)
        under_way = self._progress.in_state(StepState.COMPENSATING)
        pending = self._progress.in_state(StepState.PENDING)
        return bool(parked) and not under_way and not pending

    async def _signal_the_reconciler(self) -> None:
        parent = workflow.info().parent
        if parent is None:
            return
        handle = workflow.get_external_workflow_handle(parent.workflow_id, run_id=parent.run_id)
        try:
            await handle.signal(wire.LEFTOVER_WAITS, self._so_far())
        except FailureError:
            workflow.logger.debug("the reconciliation %s is closed", parent.workflow_id)

    def _so_far(self) -> Reconciled:
        stack = self._stack
        undone = [step for step in stack.compensated if step not in stack.without_effect]
        waiting = self._progress.in_state(StepState.NEEDS_INTERVENTION)
        return self._leftover.reconciled(
            undone=tuple(undone),
            kept_out=tuple(stack.without_effect),
            resolved_manually=tuple(stack.resolved),
            kept=tuple(stack.kept),
            failed={step: self._progress[step].compensation_error or "" for step in waiting},
        )

    def _undo(self, name: str) -> Undo:
        step = _STEPS[name]
        return Undo(partial(self._compensate, step), partial(self._settle, step))

    async def _compensate(self, step: Step[Never, object]) -> Reversal:
        return await undo(step, cast("Never", await self._request(step)))

    async def _request(self, step: Step[Never, object]) -> Command:
        """Return the request of the action: the one in the ledger, or else one made from the order.

        The fence refuses a compensation whose request differs from the action's.
        """
        run, order = self._leftover.run, self._leftover.order
        known = await asking.operation(step.service or "", run.run_id)
        if known is not None and known.request is not None:
            return known.request
        if order is None:
            raise ValueError("the request is not readable in the ledger, and the order is unknown")
        made: Mapping[str, Command] = requests_of(order, run.saga_id, run.run_id)
        return made[step.name]

    async def _settle(
        self,
        step: Step[Never, object],
        by_hand: Resolution,
        decision: Decision,
    ) -> Reversal:
        run = self._leftover.run
        return await settle(
            step,
            Settle(
                idempotency_key=str(OperationId(run.saga_id, run.run_id, step.name)),
                order_id=self._leftover.order_id,
                resolution=by_hand,
                decision=decision,
            ),
        )
