"""Reconciler: finds leftovers of runs that were ended from outside, and has them undone.

All that it has to remember is in the ledgers. So it may be killed, repeated, or run twice at the
same time, and the fence makes sure that each undo takes effect once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sized

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

with workflow.unsafe.imports_passed_through():
    from messages import wire
    from messages.participants import SERVICES
    from messages.reconciliation import Leftover, Reconcile, Reconciled, ReconciliationReport
    from messages.runs import RunRef

from workflows import policies
from workflows.reconciliation import asking
from workflows.reconciliation.judging import Found, RunJudge
from workflows.reconciliation.undoing import undo_in_child_workflow

_RUNS_AT_ONCE = 10
_TEMPORAL = "temporal"


@workflow.defn(name=wire.RECONCILE_ORDERS)
class ReconcileOrders:
    """Workflow that examines all runs that are unsealed in a ledger or were ended from outside."""

    @workflow.init
    def __init__(self, request: Reconcile | None = None) -> None:
        self._request = request or Reconcile()
        self._report = self._request.so_far or ReconciliationReport(dry_run=self._request.dry_run)
        #: Runs that Temporal does not know, or about which it contradicts the ledgers.
        self._doubtful = dict.fromkeys(self._request.doubtful)
        # Otherwise a leftover with a step that failed would be found again in that step's ledger.
        self._met = set(self._request.met)
        self._waiting: dict[RunRef, Reconciled] = {}

    @workflow.run
    async def run(self, request: Reconcile | None = None) -> ReconciliationReport:
        """Find leftovers and have them undone, page by page.

        Raises:
            ApplicationError: something remains to be done; the only detail is the report.
        """
        judge = RunJudge(await asking.identities(SERVICES))
        self._report = self._report.model_copy(update={"unanswered": judge.unanswered})
        await judge.unseal_since_gaps()
        searches = [_TEMPORAL, *judge.services]
        after = ""
        # After continue-as-new, resume the search where it was. If its ledger does not answer
        # now, the next reconciliation searches it from the beginning.
        if self._request.search in searches:
            searches = searches[searches.index(self._request.search) :]
            after = self._request.after
        for search in searches:
            while True:
                after = await self._look(judge, search, after)
                self._continue_as_new_if_long(search, after)
                if not after or self._has_enough():
                    break
            if self._has_enough():
                break
        await self._decide_on_the_doubtful()
        return self._conclude()

    @workflow.query(name=wire.REPORT)
    def report(self) -> ReconciliationReport:
        """Return the report so far."""
        return self._report

    @workflow.signal(name=wire.LEFTOVER_WAITS, description="a leftover waits for an operator")
    def leftover_waits(self, so_far: Reconciled) -> None:
        """Note that a leftover waits for an operator."""
        self._waiting[RunRef(so_far.saga_id, so_far.run_id)] = so_far

    async def _look(self, judge: RunJudge, search: str, after: str) -> str:
        """Examine one page, and return where the next one begins."""
        try:
            if search == _TEMPORAL:
                found, following = await judge.broken_off(after)
            else:
                found, following = await judge.unsettled(search, after)
        except asking.NoAnswer as why:
            unanswered = {**self._report.unanswered, search: str(why)}
            self._report = self._report.model_copy(update={"unanswered": unanswered})
            return ""
        self._report = self._report.with_unreadable(found.unreadable)
        self._doubtful.update(dict.fromkeys(found.doubtful))
        if not self._request.dry_run:
            await judge.seal(found.right)
        await self._clear_up(found.left_behind)
        return following

    def _has_enough(self) -> bool:
        """Tell whether there are too many doubtful runs to search for more."""
        many = policies.MANY_AT_ONCE if self._request.however_many else policies.MANY_GONE
        return len(self._doubtful) > many and workflow.patched(wire.STOPS_AT_MANY)

    async def _decide_on_the_doubtful(self) -> None:
        """Examine the doubtful runs again: undo what is proved, ask an operator about the rest."""
        if len(self._doubtful) > policies.MANY_GONE and not self._request.however_many:
            self._report = self._report.model_copy(update={"stopped": _too_many(self._doubtful)})
            return
        if self._has_enough():
            self._report = self._report.model_copy(update={"stopped": _more(self._doubtful)})
        found = await self._examined()
        if found.wait_for_quiet and not self._request.dry_run:
            # Bounded, because the quiet time comes from a ledger's clock, which may be set back.
            await workflow.sleep(
                min(found.wait_for_quiet, policies.QUIET),
                summary="until no service is called any more",
            )
            found = await self._examined()
        await self._clear_up(found.proved_gone if not found.wait_for_quiet else ())
        await self._clear_up(found.unproved)
        for still_called in found.proved_gone if found.wait_for_quiet else ():
            why = "unknown to Temporal, but its services are still called"
            if self._request.dry_run:
                self._enter(still_called.as_found())
            else:
                self._enter(still_called.as_waiting(dict.fromkeys(still_called.steps, why)))

    async def _examined(self) -> Found:
        if not self._doubtful:
            return Found()
        try:
            # The age of a run is compared with the time for which its ledgers prove something.
            # Both grow, so an identity from the beginning of this run would be out of date.
            judge = RunJudge(await asking.identities(SERVICES))
            return await judge.judge(tuple(self._doubtful))
        except asking.NoAnswer as why:
            unanswered = {**self._report.unanswered, _TEMPORAL: str(why)}
            self._report = self._report.model_copy(update={"unanswered": unanswered})
            return Found()

    async def _clear_up(self, leftovers: Iterable[Leftover]) -> None:
        gate = asyncio.Semaphore(_RUNS_AT_ONCE)

        async def undo(leftover: Leftover) -> None:
            if self._request.dry_run:
                self._enter(leftover.as_found())
                return
            async with gate:
                self._enter(await undo_in_child_workflow(leftover, self._waiting))

        # Temporal lists each run of a reset chain, and all of them are one leftover.
        new = {found.run: found for found in leftovers if found.run not in self._met}
        self._met.update(new)
        await asyncio.gather(*map(undo, new.values()))

    def _enter(self, reconciled: Reconciled | None) -> None:
        if reconciled is not None:
            self._report = self._report.with_one_more(reconciled)

    def _continue_as_new_if_long(self, search: str, after: str) -> None:
        if workflow.info().get_current_history_length() < policies.RECONCILER_EVENTS or not after:
            return
        workflow.continue_as_new(
            self._request.model_copy(
                update={
                    "search": search,
                    "after": after,
                    "so_far": self._report,
                    "doubtful": tuple(self._doubtful),
                    "met": tuple(sorted(self._met)),
                }
            )
        )

    def _conclude(self) -> ReconciliationReport:
        if self._report.all_done:
            return self._report
        raise ApplicationError(
            self._report.stopped or f"steps that are not undone: {self._report.failed}",
            self._report,
            type=wire.NOT_RECONCILED,
            non_retryable=True,
            category=ApplicationErrorCategory.BENIGN,
        )


def _too_many(runs: Sized) -> str:
    return (
        f"{len(runs)} runs with effects in the ledgers are unknown to Temporal, or contradict it,"
        " and there may be more; none of them was touched, since the ledgers or the server may"
        " be the wrong ones"
    )


def _more(runs: Sized) -> str:
    return (
        f"{len(runs)} runs are as many as one reconciliation handles, and there may be more; decide"
        " about those in the inbox, and reconcile again"
    )
