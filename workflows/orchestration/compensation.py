"""Compensation stack of a saga: the steps to undo, in which order, and what if it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from temporalio import workflow

from messages import wire
from messages.base import Resolution, Reversal
from messages.sagas import ResolveCompensation, StepState
from workflows.failure import explain
from workflows.metrics import count_compensation, undoing
from workflows.orchestration.decisions import Decisions, Record, by_hand, recorder
from workflows.orchestration.step import RequestT, Step, undo
from workflows.progress import Progress

_Attempt = Callable[[], Coroutine[None, None, Reversal]]

_NOT_KEPT = (
    "is to be undone, and cannot be kept; retry it, or record that it was undone by hand"
    " (mark_resolved)"
)


@dataclass(frozen=True)
class Undo:
    """Two ways to undo a step: by its compensation, or by an operator's decision."""

    compensate: _Attempt
    #: Records the decision in the service's ledger; None if the service records none.
    settle: Record | None


class CompensationStack:
    """Stack of steps to undo, the last one first.

    Unwinding ends only when each step is undone, or an operator has decided about it.

    Args:
        parallel: undo all steps at once instead of one after the other.
        doubts: steps that need an operator's decision before they are undone, with the reason.
            The operator may also decide to keep the effect of such a step.
    """

    def __init__(
        self,
        progress: Progress,
        decisions: Decisions,
        *,
        parallel: bool = False,
        doubts: Mapping[str, str] | None = None,
    ) -> None:
        self._progress = progress
        self._decisions = decisions
        self._parallel = parallel
        self._doubts = dict(doubts or {})
        self._undos: dict[str, Undo] = {}
        #: Steps undone by their compensation, in the order in which they were undone.
        self.compensated: list[str] = []
        #: Those of them whose compensation found nothing to undo.
        self.without_effect: list[str] = []
        #: Steps that an operator recorded as undone by hand, in the same order.
        self.resolved: list[str] = []
        #: Steps whose effects an operator decided to keep, in the same order.
        self.kept: list[str] = []

    def __contains__(self, step: str) -> bool:
        return step in self._undos

    def push(self, step: Step[RequestT, object], request: RequestT) -> None:
        """Register the step's compensation; called before its action starts."""
        self.add(step.name, Undo(partial(undo, step, request), recorder(step, request)))

    def add(self, step: str, undo: Undo) -> None:
        """Register a step with an ``undo`` of the caller's own."""
        self._undos[step] = undo

    def doubt(self, steps: Iterable[str], why: str) -> None:
        """Undo none of these steps before an operator has decided about it."""
        self._doubts.update(dict.fromkeys(steps, why))

    def drop(self, step: str) -> None:
        """Remove a step that has no effect, so that it is not undone."""
        self._undos.pop(step, None)

    def sort(self, steps: Sequence[str]) -> None:
        """Sort the stack into the order of ``steps``."""
        self._undos = {step: self._undos[step] for step in steps if step in self._undos}

    async def unwind(self) -> None:
        """Undo all steps; return when each one is undone or decided about by an operator.

        A compensation that fails for good is parked and does not block the others. While one is
        retried, the next one waits, unless the compensations run in parallel.
        """
        under_way = []
        for name in reversed(self._undos):
            task = asyncio.create_task(self._undo_or_wait(name))
            under_way.append(task)
            if not self._parallel:
                await self._wait_until_undone_or_parked(name, task)
        await workflow.wait_condition(lambda: all(task.done() for task in under_way))
        for task in under_way:
            task.result()

    async def _wait_until_undone_or_parked(self, name: str, under_way: asyncio.Task[None]) -> None:
        await workflow.wait_condition(lambda: under_way.done() or self._is_parked(name))

    def _is_parked(self, step: str) -> bool:
        return step in self._progress.in_state(StepState.NEEDS_INTERVENTION)

    async def _undo_or_wait(self, name: str) -> None:
        if name in self._doubts:
            self._park(name, self._doubts[name])
        elif await self._try(name, self._undos[name].compensate):
            return
        while True:
            but = {} if name in self._doubts else {"keep": _NOT_KEPT}
            if await self._carry_out(name, await self._decisions.on(name, but)):
                return

    async def _try(self, name: str, attempt: _Attempt) -> bool:
        """Make an attempt to undo the step, and park it on failure; tell whether it is undone."""
        self._progress.compensating(name)
        try:
            reversal = await attempt()
        except Exception as error:
            self._park(name, explain(error))
            return False
        self._enter(name, reversal)
        return True

    async def _carry_out(self, name: str, decision: ResolveCompensation) -> bool:
        if decision.action == "retry":
            return await self._try(name, self._undos[name].compensate)
        resolution = by_hand(decision)
        record = self._undos[name].settle
        if record is None or not workflow.patched(wire.DECISIONS_IN_THE_LEDGER):
            self._enter(name, Reversal(had_effect=False, settled=resolution))
            return True
        if decision.action == "mark_resolved":
            return await self._try(name, lambda: record(resolution, "undone"))
        return await self._keep(name, resolution, lambda: record(resolution, "kept"))

    async def _keep(self, name: str, resolution: Resolution, record: _Attempt) -> bool:
        try:
            await record()
        except Exception as error:
            self._park(name, explain(error))
            return False
        self.kept.append(name)
        self._progress.kept(name, resolution)
        count_compensation(name, "kept")
        return True

    def _park(self, name: str, why: str) -> None:
        self._progress.parked(name, why)
        count_compensation(name, "parked")

    def _enter(self, name: str, reversal: Reversal) -> None:
        if reversal.settled is not None:
            self.resolved.append(name)
        else:
            self.compensated.append(name)
            if not reversal.had_effect:
                self.without_effect.append(name)
        self._progress.compensated(name, reversal.settled)
        count_compensation(name, undoing(reversal.had_effect, reversal.settled))
