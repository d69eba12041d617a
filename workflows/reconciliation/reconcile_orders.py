"""The reconciler: finds what broken-off runs have left behind, and has it undone.

It knows nothing that the next one would need: the ledgers are its memory. So it may be
killed, repeated, or run twice at once; the fence lets each undoing have its effect once.
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
from workflows.reconciliation.undoing import see_to

_RUNS_AT_ONCE = 10
_TEMPORAL = "temporal"


@workflow.defn(name=wire.RECONCILE_ORDERS)
class ReconcileOrders:
    """Goes once through what is unsettled in the ledgers, and through what Temporal broke off."""

    @workflow.init
    def __init__(self, request: Reconcile | None = None) -> None:
        self._request = request or Reconcile()
        self._report = self._request.so_far or ReconciliationReport(dry_run=self._request.dry_run)
        #: Runs that Temporal does not know, or that it contradicts the ledgers about.
        self._doubtful = dict.fromkeys(self._request.doubtful)
        # What is undone in one ledger but not in the next one would be met there again.
        self._met = set(self._request.met)
        self._waiting: dict[RunRef, Reconciled] = {}

    @workflow.run
    async def run(self, request: Reconcile | None = None) -> ReconciliationReport:
        """Find leftovers and have them undone, page by page.

        Raises:
            ApplicationError: something is left to be done; its one detail is the report.
        """
        bench = RunJudge(await asking.identities(SERVICES))
        self._report = self._report.model_copy(update={"unanswered": bench.unanswered})
        await bench.look_again()
        searches = [_TEMPORAL, *bench.services]
        after = ""
        # One whose ledger does not answer any more is begun anew by the next reconciliation.
        if self._request.search in searches:
            searches = searches[searches.index(self._request.search) :]
            after = self._request.after
        for search in searches:
            while True:
                after = await self._look(bench, search, after)
                self._go_on_in_a_new_run(search, after)
                if not after or self._has_enough():
                    break
            if self._has_enough():
                break
        await self._decide_on_the_doubtful()
        return self._conclude()

    @workflow.query(name=wire.REPORT)
    def report(self) -> ReconciliationReport:
        """Return what was done so far."""
        return self._report

    @workflow.signal(name=wire.LEFTOVER_WAITS)
    def leftover_waits(self, so_far: Reconciled) -> None:
        """Hear that a leftover cannot go on without an operator."""
        self._waiting[RunRef(so_far.saga_id, so_far.run_id)] = so_far

    async def _look(self, bench: RunJudge, search: str, after: str) -> str:
        """Look at one page; returns where the next one begins."""
        try:
            if search == _TEMPORAL:
                found, following = await bench.broken_off(after)
            else:
                found, following = await bench.unsettled(search, after)
        except asking.NoAnswer as why:
            unanswered = {**self._report.unanswered, search: str(why)}
            self._report = self._report.model_copy(update={"unanswered": unanswered})
            return ""
        self._report = self._report.with_unreadable(found.unreadable)
        self._doubtful.update(dict.fromkeys(found.doubtful))
        if not self._request.dry_run:
            await bench.seal(found.right)
        await self._clear_up(found.left_behind)
        return following

    def _has_enough(self) -> bool:
        """Whether so many runs are doubtful that it makes no sense to look for more of them."""
        many = policies.MANY_AT_ONCE if self._request.however_many else policies.MANY_GONE
        return len(self._doubtful) > many and workflow.patched(wire.STOPS_AT_MANY)

    async def _decide_on_the_doubtful(self) -> None:
        """Look once more at runs that Temporal does not know: undo what is proved, ask else."""
        if len(self._doubtful) > policies.MANY_GONE and not self._request.however_many:
            self._report = self._report.model_copy(update={"stopped": _too_many(self._doubtful)})
            return
        if self._has_enough():
            self._report = self._report.model_copy(update={"stopped": _more(self._doubtful)})
        found = await self._examined()
        if found.quiet_in and not self._request.dry_run:
            # Bounded, whatever the machines' clocks say.
            await workflow.sleep(min(found.quiet_in, policies.QUIET))
            found = await self._examined()
        await self._clear_up(found.proved_gone if not found.quiet_in else ())
        await self._clear_up(found.unproved)
        for still_called in found.proved_gone if found.quiet_in else ():
            why = "unknown to Temporal, but its services are still called"
            if self._request.dry_run:
                self._enter(still_called.as_found())
            else:
                self._enter(still_called.as_waiting(dict.fromkeys(still_called.steps, why)))

    async def _examined(self) -> Found:
        if not self._doubtful:
            return Found()
        try:
            # Who the ledgers are is asked right before: what they prove grows with time.
            bench = RunJudge(await asking.identities(SERVICES))
            return await bench.judge(tuple(self._doubtful))
        except asking.NoAnswer as why:
            unanswered = {**self._report.unanswered, _TEMPORAL: str(why)}
            self._report = self._report.model_copy(update={"unanswered": unanswered})
            return Found()

    async def _clear_up(self, leftovers: Iterable[Leftover]) -> None:
        gate = asyncio.Semaphore(_RUNS_AT_ONCE)

        async def one(leftover: Leftover) -> None:
            if self._request.dry_run:
                self._enter(leftover.as_found())
                return
            async with gate:
                self._enter(await see_to(leftover, self._waiting))

        # Of a chain that was reset, Temporal lists each run.
        fresh = {found.run: found for found in leftovers if found.run not in self._met}
        self._met.update(fresh)
        await asyncio.gather(*map(one, fresh.values()))

    def _enter(self, reconciled: Reconciled | None) -> None:
        if reconciled is not None:
            self._report = self._report.with_one_more(reconciled)

    def _go_on_in_a_new_run(self, search: str, after: str) -> None:
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
        " and there may be more; nothing of them was touched, since the ledgers or the server may"
        " be the wrong ones"
    )


def _more(runs: Sized) -> str:
    return (
        f"{len(runs)} runs are enough for one time, and there may be more; decide on those that"
        " wait in the inbox, and reconcile again"
    )
