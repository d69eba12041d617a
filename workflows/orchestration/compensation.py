"""The compensation stack: what has to be undone, in which order, until it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from temporalio import workflow

from messages.base import Reversal
from messages.base import Resolution
from messages.sagas import ResolveCompensation, StepState
from workflows.failure import explain
from workflows.orchestration.step import RequestT, Step, undo
from workflows.progress import Progress


class CompensationStack:
    """Undoes what was pushed, last first, and leaves nothing behind undecided."""

    def __init__(self, progress: Progress, *, parallel: bool) -> None:
        self._progress = progress
        self._parallel = parallel
        self._undos: dict[str, Callable[[], Coroutine[None, None, Reversal]]] = {}
        self._decisions: dict[str, ResolveCompensation] = {}
        #: Steps undone by their compensation, in the order in which that happened.
        self.compensated: list[str] = []
        #: Steps that an operator recorded as undone by hand, likewise.
        self.resolved: list[str] = []

    def push(self, step: Step[RequestT, object], request: RequestT) -> None:
        """From now on the step has to be undone if the saga turns back."""
        self._undos[step.name] = lambda: undo(step, request)

    def drop(self, step: str) -> None:
        """The step has no effect, so there is nothing to undo."""
        del self._undos[step]

    async def unwind(self) -> None:
        """Undo everything; returns when each step is undone or recorded as undone by hand.

        A compensation that fails for good is parked for the operator and does not hold up
        the others.
        """
        settling = []
        for name in reversed(self._undos):
            task = asyncio.create_task(self._settle(name))
            settling.append(task)
            if not self._parallel:
                await self._undone_or_parked(name, task)
        await workflow.wait_condition(lambda: all(task.done() for task in settling))
        for task in settling:
            task.result()

    def check(self, decision: ResolveCompensation) -> None:
        """Refuse a decision about a step that does not wait for one.

        Raises:
            ValueError: says which steps wait.
        """
        if decision.step not in self._decisions and self._is_parked(decision.step):
            return
        waiting = self._progress.in_state(StepState.NEEDS_INTERVENTION)
        raise ValueError(
            f"{decision.step!r} does not wait for an operator"
            f" (waiting: {', '.join(waiting) or 'none'})"
        )

    def resolve(self, decision: ResolveCompensation) -> None:
        """Take an operator's decision on a parked step."""
        self._decisions[decision.step] = decision

    async def _undone_or_parked(self, name: str, settling: asyncio.Task[None]) -> None:
        await workflow.wait_condition(lambda: settling.done() or self._is_parked(name))

    def _is_parked(self, step: str) -> bool:
        return step in self._progress.in_state(StepState.NEEDS_INTERVENTION)

    async def _settle(self, name: str) -> None:
        while True:
            self._progress.compensating(name)
            try:
                await self._undos[name]()
            except Exception as error:
                self._progress.parked(name, explain(error))
            else:
                self.compensated.append(name)
                self._progress.compensated(name)
                return
            await workflow.wait_condition(lambda: name in self._decisions)
            decision = self._decisions.pop(name)
            if decision.action == "mark_resolved":
                self.resolved.append(name)
                self._progress.compensated(
                    name,
                    Resolution(operator=decision.operator, note=decision.note, at=workflow.now()),
                )
                return
