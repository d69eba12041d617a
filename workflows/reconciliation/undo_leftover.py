"""The undoing of what one run left behind: by compensations, or as an operator decides."""

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
from workflows.orchestration.order_saga import STEPS
from workflows.orchestration.step import Step, settle, undo
from workflows.progress import Progress
from workflows.reconciliation import asking
from workflows.uninterrupted import finish

_NOT_SURE = "Temporal does not tell whether a reset has brought the run back"

# Whichever step it is, its request comes from its own ledger, or is made for it.
_STEPS: Mapping[str, Step[Never, object]] = {step.name: step for step in STEPS}


@workflow.defn(name=wire.UNDO_LEFTOVER)
class UndoLeftover:
    """Goes back over what a run has left behind, and waits for an operator where it cannot."""

    @workflow.init
    def __init__(self, leftover: Leftover | None = None) -> None:
        if leftover is None or not set(leftover.steps).issubset(_STEPS):
            raise no_input("no leftover given")
        self._leftover = leftover
        self._progress = Progress(leftover.run.saga_id, leftover.steps, timedelta(0))
        self._progress.error = leftover.why
        doubts = dict.fromkeys(leftover.steps, leftover.why) if leftover.unproved else {}
        self._stack = CompensationStack(self._progress, doubts=doubts)
        for step in leftover.steps:
            self._stack.add(step, self._undo(step))

    @workflow.run
    async def run(self, leftover: Leftover | None = None) -> Reconciled:
        """Undo everything; a cancel changes nothing, since nobody else would."""
        return await finish(asyncio.create_task(self._clear_up()))

    @workflow.query(name=wire.STATUS)
    def status(self) -> SagaView:
        """Every step with its state and times."""
        return self._progress.view()

    @workflow.update(name=wire.RESOLVE_COMPENSATION)
    def resolve_compensation(self, decision: ResolveCompensation) -> SagaView:
        """Decide on a step that waits for an operator."""
        self._stack.resolve(decision)
        return self._progress.view()

    @resolve_compensation.validator
    def _may_resolve(self, decision: ResolveCompensation) -> None:
        self._stack.check(decision)

    async def _clear_up(self) -> Reconciled:
        if not self._leftover.unproved:
            status = await self._looked_at_again()
            if status in ("open", "succeeded"):
                return self._leftover.reconciled()
            if status is None:
                self._stack.doubt(self._leftover.steps, _NOT_SURE)
        unwinding = asyncio.create_task(self._stack.unwind())
        await workflow.wait_condition(lambda: unwinding.done() or self._waits())
        if not unwinding.done():
            await self._tell_the_reconciler()
        await unwinding
        self._progress.move_to(SagaStatus.SUCCESS)
        return self._so_far()

    async def _looked_at_again(self) -> Ended | None:
        """Return how the run stands now: a reset may have brought it back since it was found.

        None when that cannot be found out; then nothing proves that it has not.
        """
        try:
            found = (await asking.examined([self._leftover.run])).runs
        except asking.NoAnswer:
            return None
        return found[0].fact.status if found else None

    def _waits(self) -> bool:
        """Tell whether nothing more happens before an operator decides."""
        parked = self._progress.in_state(StepState.NEEDS_INTERVENTION)
        under_way = self._progress.in_state(StepState.COMPENSATING)
        pending = self._progress.in_state(StepState.PENDING)
        return bool(parked) and not under_way and not pending

    async def _tell_the_reconciler(self) -> None:
        parent = workflow.info().parent
        if parent is None:
            return
        handle = workflow.get_external_workflow_handle(parent.workflow_id, run_id=parent.run_id)
        try:
            await handle.signal(wire.LEFTOVER_WAITS, self._so_far())
        except FailureError:
            workflow.logger.debug("the reconciliation %s is over", parent.workflow_id)

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
        """Return the request that the action was given, as its ledger or else the run has it."""
        run, order = self._leftover.run, self._leftover.order
        known = await asking.operation(step.service or "", run.run_id)
        if known is not None and known.request is not None:
            return known.request
        if order is None:
            raise ValueError("the request in its ledger cannot be read")
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
