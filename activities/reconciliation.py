"""Runs are looked for that have left something behind which they will not undo themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from temporalio import activity

from activities.ports import Ledgers, Runs
from messages.reconciliation import FencedOperation, Leftover, RunsPage, ToUndo
from messages.requests import requests_of
from messages.runs import ExaminedRun, RunRef

#: A run that Temporal does not know is left alone until its services have been quiet for so
#: long: it may be so new that the server which was asked has not heard of it.
QUIET = timedelta(seconds=15)

_QUESTIONS_AT_ONCE = 20
#: Of the ledgers' pages, most of which hold nothing but what succeeded.
_PAGES_AT_ONCE = 20
_ENOUGH = 100


class ReconciliationActivities:
    """The reconciler's eyes: first the ledgers are read, then Temporal is asked."""

    def __init__(self, ledgers: Ledgers, runs: Runs) -> None:
        self._ledgers = ledgers
        self._runs = runs

    @activity.defn
    async def find_half_done_runs(self, after: str) -> RunsPage:
        """Among the runs of which the ledgers know some effects, but not all."""
        found: list[RunRef] = []
        for _ in range(_PAGES_AT_ONCE):
            page = await asyncio.to_thread(self._ledgers.half_done, after)
            found += await self._with_leftovers(page.runs)
            after = page.next
            if not after or len(found) >= _ENOUGH:
                break
        return RunsPage(runs=tuple(dict.fromkeys(found)), next=after)

    @activity.defn
    async def find_broken_off_runs(self, after: str) -> RunsPage:
        """Among the runs that were terminated: those that the other search does not meet.

        Of these all effects stand, or none has arrived yet.
        """
        page = await self._runs.broken_off(after)
        promising = await asyncio.to_thread(self._ledgers.not_half_done, page.runs)
        found = await self._with_leftovers(promising)
        # Again, now that it is known which run's keys one has that a reset has made.
        found = await asyncio.to_thread(self._ledgers.not_half_done, found)
        return RunsPage(runs=found, next=page.next)

    @activity.defn
    async def examine_run(self, run: RunRef) -> Leftover | None:
        """What there is to undo of a run; None when it must be left alone."""
        examined = await self._runs.examine(run)
        if examined.fact.status in ("open", "succeeded"):
            return None
        operations = await asyncio.to_thread(self._ledgers.operations, examined.first_run_id)
        return _leftover(examined, operations)

    async def _with_leftovers(self, runs: Iterable[RunRef]) -> tuple[RunRef, ...]:
        gate = asyncio.Semaphore(_QUESTIONS_AT_ONCE)

        async def look(run: RunRef) -> RunRef | None:
            async with gate:
                found = await self.examine_run(run)
            return None if found is None else found.run

        found = await asyncio.gather(*map(look, runs))
        return tuple(dict.fromkeys(run for run in found if run is not None))


def _leftover(examined: ExaminedRun, operations: tuple[FencedOperation, ...]) -> Leftover | None:
    fact, order = examined.fact, examined.order
    if fact.status in ("open", "succeeded"):
        return None
    steps = [
        ToUndo(step=o.step, request=o.request, stands=True)
        for o in operations
        if o.state == "applied"
    ]
    if order is not None:
        # An action may still be under way that was begun before the run was broken off.
        decided = {operation.step for operation in operations}
        everything = requests_of(order, fact.saga_id, examined.first_run_id)
        steps += [
            ToUndo(step=step, request=request, stands=False)
            for step, request in everything.items()
            if step not in decided
        ]
        steps.sort(key=lambda step: [*everything].index(step.step))
    steps = [step for step in steps if step.step not in fact.resolved_manually]
    if not steps:
        return None
    return Leftover(
        run=RunRef(fact.saga_id, examined.first_run_id),
        order_id=order.order_id if order else operations[0].order_id,
        ended=fact.status,
        steps=tuple(steps),
        not_before=_quiet_since(operations) if fact.status == "gone" else None,
    )


def _quiet_since(operations: tuple[FencedOperation, ...]) -> datetime:
    return max(operation.updated_at for operation in operations) + QUIET
