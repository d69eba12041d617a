"""Activities that ask Temporal which runs have ended, and how."""

from __future__ import annotations

import asyncio

from temporalio import activity

from activities.ports import Runs
from messages.reconciliation import Examined, RunsPage
from messages.runs import ExaminedRun, RunRef, UnreadableRun

_QUESTIONS_AT_ONCE = 20


class ReconciliationActivities:
    """Questions of the reconciler to Temporal."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    @activity.defn
    async def find_broken_off_runs(self, after: str) -> RunsPage:
        """List the runs that were ended from outside, one page at a time."""
        return await self._runs.broken_off(after)

    @activity.defn
    async def examine_runs(self, runs: list[RunRef]) -> Examined:
        """Find out how each of these runs ended. One that cannot be read does not stop the rest."""
        gate = asyncio.Semaphore(_QUESTIONS_AT_ONCE)

        async def examine(run: RunRef) -> ExaminedRun | UnreadableRun:
            async with gate:
                return await self._runs.examine(run)

        found = await asyncio.gather(*map(examine, runs))
        return Examined(
            runs=tuple(one for one in found if isinstance(one, ExaminedRun)),
            unreadable=tuple(one for one in found if isinstance(one, UnreadableRun)),
            retention_seconds=await self._runs.retention_seconds(),
        )
