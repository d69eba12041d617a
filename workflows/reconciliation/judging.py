"""Verdicts on runs, from the evidence of all ledgers and of Temporal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages import wire
    from messages.ids import begun_at
    from messages.ledgers import LedgerIdentity, RunOperation
    from messages.participants import STEP_OF, STEPS
    from messages.reconciliation import Examined, Leftover
    from messages.runs import ExaminedRun, RunRef, UnreadableRun
    from messages.verdicts import RunStates, doubt_of, judge

from workflows import policies
from workflows.reconciliation import asking

#: Operations in the ledgers, by run id and then by step.
_Known = dict[str, dict[str, RunOperation]]


class Found(NamedTuple):
    """Examined runs, sorted by what has to be done about them."""

    #: Ids of the runs whose effects all stand rightly.
    right: tuple[str, ...] = ()
    left_behind: tuple[Leftover, ...] = ()
    #: Leftovers of runs that Temporal does not know, proved by the age of the run and the ledgers.
    proved_gone: tuple[Leftover, ...] = ()
    unproved: tuple[Leftover, ...] = ()
    unreadable: tuple[UnreadableRun, ...] = ()
    #: Time for which the services must not be called before a run of ``proved_gone`` is undone.
    wait_for_quiet: timedelta = timedelta(0)

    @property
    def doubtful(self) -> tuple[RunRef, ...]:
        """Runs that are not touched before all pages have been read.

        If there are many of them, the ledgers or the server are probably the wrong ones.
        """
        return tuple(leftover.run for leftover in (*self.proved_gone, *self.unproved))


class RunJudge:
    """Judge of runs, by the evidence of Temporal and of the ledgers that answer."""

    def __init__(self, ledgers: Mapping[str, LedgerIdentity | asking.NoAnswer]) -> None:
        self._identities = {
            service: found if isinstance(found, LedgerIdentity) else None
            for service, found in ledgers.items()
        }
        self._answered_at = workflow.now()
        #: Reason why a ledger did not answer, by service.
        self.unanswered = {
            service: str(found)
            for service, found in ledgers.items()
            if isinstance(found, asking.NoAnswer)
        }
        #: Services whose ledgers answered.
        self.services = [service for service, found in self._identities.items() if found]

    async def unseal_since_gaps(self) -> None:
        """Remove the seals that were set since a gap in another ledger began.

        A sealed run is not examined again, but the other ledger may have lost its operation of
        that run in the gap. A ledger that does not answer now is asked by the next
        reconciliation.
        """
        gaps = {
            service: found.gap
            for service, found in self._identities.items()
            if found is not None and found.gap is not None
        }
        seconds = {
            service: max(
                (gap.seconds for other, gap in gaps.items() if other != service), default=0
            )
            for service in self.services
        }
        try:
            await asyncio.gather(*(asking.unseal(s, n) for s, n in seconds.items() if n))
            if not self.unanswered:
                await asyncio.gather(*(asking.close_gap(s, gap) for s, gap in gaps.items()))
        except asking.NoAnswer as why:
            workflow.logger.warning("gaps of %s are not closed: %s", ", ".join(gaps), why)

    async def unsettled(self, service: str, after: str) -> tuple[Found, str]:
        """Judge a page of the runs with effects that are not sealed in a ledger.

        Raises:
            NoAnswer: a ledger or Temporal did not answer.
        """
        page = await asking.unsettled(service, after)
        known = await self._known(page.runs)
        # A run that is not sealed in an earlier ledger either was judged there.
        earlier = {STEP_OF[s] for s in self.services[: self.services.index(service)]}
        judged_before = {
            run_id
            for run_id, operations in known.items()
            for step, found in operations.items()
            if step in earlier and found.state == "applied" and not found.sealed
        }
        runs = [run for run in page.runs if run.run_id not in judged_before]
        return self._judged(known, await _examined(runs)), page.next

    async def broken_off(self, after: str) -> tuple[Found, str]:
        """Judge a page of the runs that were ended from outside.

        Raises:
            NoAnswer: a ledger or Temporal did not answer.
        """
        page = await asking.broken_off(after)
        return await self.judge(page.runs), page.next

    async def judge(self, runs: Sequence[RunRef]) -> Found:
        """Judge these runs.

        Raises:
            NoAnswer: a ledger or Temporal did not answer.
        """
        examined = await _examined(runs)
        # The idempotency keys of a reset run contain the id of the first run of its chain.
        known = await self._known(RunRef(r.fact.saga_id, r.first_run_id) for r in examined.runs)
        return self._judged(known, examined)

    async def seal(self, run_ids: Sequence[str]) -> None:
        """Seal these runs in each ledger, so that they are not examined again."""
        if run_ids:
            await asyncio.gather(*(asking.seal(service, run_ids) for service in self.services))

    async def _known(self, runs: Iterable[RunRef]) -> _Known:
        run_ids = [run.run_id for run in runs]
        if not run_ids:
            return {}
        answers = await asyncio.gather(*(asking.operations(s, run_ids) for s in self.services))
        known: _Known = {}
        for service, operations in zip(self.services, answers, strict=True):
            for found in operations:
                known.setdefault(found.run.run_id, {})[STEP_OF[service]] = found
        return known

    def _judged(self, known: _Known, examined: Examined) -> Found:
        right: list[str] = []
        by_verdict: dict[str, list[Leftover]] = {"left_behind": [], "gone": [], "unproved": []}
        longest_wait = timedelta(0)
        for run in examined.runs:
            operations = known.get(run.first_run_id, {})
            judged = self._judge(run, operations, examined.retention_seconds)
            if isinstance(judged, Leftover):
                gone = run.fact.status == "gone" and not judged.unproved
                kind = "gone" if gone else "unproved" if judged.unproved else "left_behind"
                by_verdict[kind].append(judged)
                if gone:
                    longest_wait = max(longest_wait, _wait_for_quiet(operations))
            elif judged:
                right.append(run.first_run_id)
        return Found(
            tuple(right),
            tuple(by_verdict["left_behind"]),
            tuple(by_verdict["gone"]),
            tuple(by_verdict["unproved"]),
            examined.unreadable,
            longest_wait,
        )

    def _doubt(self, run: ExaminedRun, age: float, retention: float) -> str | None:
        doubt = doubt_of(age, retention, self._identities)
        if doubt is not None:
            return doubt
        # A lost operation may be older than all that the ledgers still know of the run.
        older = self._doubt_since_its_start(run.first_run_id, retention)
        return older if older and workflow.patched(wire.COUNTS_FROM_THE_START) else None

    def _doubt_since_its_start(self, run_id: str, retention: float) -> str | None:
        begun = begun_at(run_id)
        if begun is None:
            return "its id does not tell when it began"
        # Both times are Temporal's, so what they give is a length of time, as for the ledgers.
        age = (self._answered_at - begun).total_seconds()
        return doubt_of(age, retention, self._identities)

    def _judge(
        self, run: ExaminedRun, operations: Mapping[str, RunOperation], retention: float
    ) -> Leftover | bool:
        """Return what has to be undone, if anything; else tell whether the run can be sealed."""
        states = RunStates(
            {step: found.state for step, found in operations.items()},
            [step for step, found in operations.items() if found.decided_by_hand],
        )
        age = max((found.age_seconds for found in operations.values()), default=0.0)
        doubt = self._doubt(run, age, retention)
        verdict, why = judge(states, run.fact, doubt)
        if self.unanswered and verdict in ("succeeded", "unproved"):
            return False
        if verdict == "succeeded":
            return True
        standing = tuple(step for step in STEPS if step in states.standing)
        steps = standing
        if run.fact.status == "terminated" and run.order is not None:
            # An attempt of an action may still be running and have its effect after the run
            # was terminated. Undoing the step now makes the service refuse it.
            undecided = [step for step in STEPS if step not in states.states]
            steps = tuple(step for step in STEPS if step in (*standing, *undecided))
            if steps and not why:
                verdict, why = (
                    "left_behind",
                    "the saga was terminated, or ended without a result: no step stands",
                )
        if verdict not in ("left_behind", "unproved"):
            return False
        by_hand = run.fact.resolved_manually
        return Leftover(
            run=RunRef(run.fact.saga_id, run.first_run_id),
            order_id=_order_id(run, operations),
            ended=run.fact.status,
            why=why,
            unproved=verdict == "unproved",
            steps=tuple(step for step in steps if step not in by_hand),
            standing=standing,
            order=run.order,
        )


async def _examined(runs: Sequence[RunRef]) -> Examined:
    return await asking.examined(runs) if runs else Examined(runs=(), retention_seconds=0)


def _wait_for_quiet(operations: Mapping[str, RunOperation]) -> timedelta:
    quiet = min((found.quiet_seconds for found in operations.values()), default=0.0)
    return max(timedelta(0), policies.QUIET - timedelta(seconds=quiet))


def _order_id(run: ExaminedRun, operations: Mapping[str, RunOperation]) -> str:
    if run.order is not None:
        return run.order.order_id
    return next((found.order_id for found in operations.values()), run.fact.saga_id)
