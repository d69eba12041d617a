"""The reconciler: undoes what terminated, timed-out and deleted runs have left behind.

It knows nothing that the next one would need: the ledgers are its memory. So it may be
killed, repeated, or run twice at once; the fence lets each undoing have its effect once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

with workflow.unsafe.imports_passed_through():
    from activities.reconciliation import ReconciliationActivities
    from messages.reconciliation import (
        Leftover,
        Reconcile,
        Reconciled,
        ReconciliationReport,
        RunsPage,
    )
    from messages.runs import RunRef

from workflows import policies
from workflows.reconciliation.undoing import undo_leftover

_RUNS_AT_ONCE = 10


@workflow.defn(name="ReconcileOrders")
class ReconcileOrders:
    """Goes once through the ledgers, and once through what Temporal lists as broken off."""

    @workflow.init
    def __init__(self, request: Reconcile | None = None) -> None:
        self._request = request or Reconcile()
        self._report = self._request.so_far or ReconciliationReport(dry_run=self._request.dry_run)
        # What is undone in one ledger but not in the next one would be met there again.
        self._set_aside = set(self._request.set_aside)

    @workflow.run
    async def run(self, request: Reconcile | None = None) -> ReconciliationReport:
        """Find leftovers and undo them, page by page.

        Raises:
            ApplicationError: some could not be undone; its one detail is the report.
        """
        search, after = self._request.search, self._request.after
        while True:
            page = await _search(search, after)
            await self._clear_up(page.runs)
            if page.next:
                after = page.next
            elif search == "ledgers":
                search, after = "temporal", ""
            else:
                break
            if workflow.info().get_current_history_length() > policies.RECONCILER_EVENTS:
                workflow.continue_as_new(
                    Reconcile(
                        dry_run=self._request.dry_run,
                        search=search,
                        after=after,
                        so_far=self._report,
                        set_aside=tuple(sorted(self._set_aside)),
                    )
                )
        if self._report.failed:
            raise ApplicationError(
                f"steps that could not be undone: {self._report.failed}",
                self._report,
                type="NotReconciled",
                non_retryable=True,
                category=ApplicationErrorCategory.BENIGN,
            )
        return self._report

    @workflow.query
    def report(self) -> ReconciliationReport:
        """What was done so far."""
        return self._report

    async def _clear_up(self, runs: Iterable[RunRef]) -> None:
        gate = asyncio.Semaphore(_RUNS_AT_ONCE)

        async def one(run: RunRef) -> None:
            async with gate:
                reconciled = await self._reconcile(run)
            if reconciled is not None:
                self._report = self._report.with_one_more(reconciled)
            if reconciled is not None and reconciled.failed:
                self._set_aside.add(run)

        await asyncio.gather(*(one(run) for run in runs if run not in self._set_aside))

    async def _reconcile(self, run: RunRef) -> Reconciled | None:
        # Once more, right before it is touched: a reset may have brought it back meanwhile.
        leftover = await _examine(run)
        if leftover is None:
            return None
        if self._request.dry_run:
            return leftover.as_found()
        quiet_in = _time_until_quiet(leftover)
        if quiet_in:
            await workflow.sleep(quiet_in)
            leftover = await _examine(run)
            if leftover is None:
                return None
            if _time_until_quiet(leftover):
                return leftover.as_failed("unknown to Temporal, but its services are still called")
        return await undo_leftover(leftover)


async def _search(search: Literal["ledgers", "temporal"], after: str) -> RunsPage:
    return await workflow.execute_activity_method(
        ReconciliationActivities.find_half_done_runs
        if search == "ledgers"
        else ReconciliationActivities.find_broken_off_runs,
        after,
        start_to_close_timeout=policies.SEARCH.attempt,
        schedule_to_close_timeout=policies.SEARCH.window,
        retry_policy=policies.SEARCH.retry,
    )


async def _examine(run: RunRef) -> Leftover | None:
    return await workflow.execute_activity_method(
        ReconciliationActivities.examine_run,
        run,
        start_to_close_timeout=policies.SEARCH.attempt,
        schedule_to_close_timeout=policies.SEARCH.window,
        retry_policy=policies.SEARCH.retry,
        summary=run.saga_id,
    )


def _time_until_quiet(leftover: Leftover) -> timedelta | None:
    if leftover.not_before is None or leftover.not_before <= workflow.now():
        return None
    return leftover.not_before - workflow.now()
