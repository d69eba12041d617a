"""The evidence of all ledgers and of Temporal, put together into verdicts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.ledgers import LedgerIdentity, RunOperation
    from messages.participants import STEP_OF, STEPS
    from messages.reconciliation import Examined, Leftover
    from messages.runs import ExaminedRun, RunRef, UnreadableRun
    from messages.verdicts import RunStates, doubt_of, judge

from workflows import policies
from workflows.reconciliation import asking

#: By run id and then by step, what the ledgers know.
_Known = dict[str, dict[str, RunOperation]]


class Found(NamedTuple):
    """Runs that were looked at, by what there is to do about them."""

    #: Run ids of those of which every effect stands, as it should.
    right: tuple[str, ...] = ()
    left_behind: tuple[Leftover, ...] = ()
    #: Those that Temporal does not know, and that are therefore proved to be left behind.
    proved_gone: tuple[Leftover, ...] = ()
    unproved: tuple[Leftover, ...] = ()
    unreadable: tuple[UnreadableRun, ...] = ()
    #: How long the services of those that are gone have to stay quiet before one is touched.
    quiet_in: timedelta = timedelta(0)

    @property
    def doubtful(self) -> tuple[RunRef, ...]:
        """Those that are not touched before everything was seen."""
        return tuple(leftover.run for leftover in (*self.proved_gone, *self.unproved))


class RunJudge:
    """Judge of runs, by what the ledgers that answer know of them, and Temporal."""

    def __init__(self, ledgers: Mapping[str, LedgerIdentity | asking.NoAnswer]) -> None:
        self._identities = {
            service: found if isinstance(found, LedgerIdentity) else None
            for service, found in ledgers.items()
        }
        #: By service, why its ledger did not answer.
        self.unanswered = {
            service: str(found)
            for service, found in ledgers.items()
            if isinstance(found, asking.NoAnswer)
        }
        #: Services whose ledgers answered.
        self.services = [service for service, found in self._identities.items() if found]

    async def look_again(self) -> None:
        """Have the ledgers unseal what another one may have lost since it was found to be right.

        A ledger that does not answer now is told by the next reconciliation.
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
            workflow.logger.warning("gaps of %s: %s", ", ".join(gaps), why)

    async def unsettled(self, service: str, after: str) -> tuple[Found, str]:
        """Judge a page of the runs that are not settled in a ledger.

        Raises:
            NoAnswer: somebody did not answer.
        """
        page = await asking.unsettled(service, after)
        known = await self._known(page.runs)
        # One that is not settled in an earlier ledger either was met there.
        earlier = {STEP_OF[s] for s in self.services[: self.services.index(service)]}
        met = {
            run_id
            for run_id, operations in known.items()
            for step, found in operations.items()
            if step in earlier and found.state == "applied" and not found.sealed
        }
        runs = [run for run in page.runs if run.run_id not in met]
        return self._judged(known, await _examined(runs)), page.next

    async def broken_off(self, after: str) -> tuple[Found, str]:
        """Judge a page of the runs that were ended from outside.

        Raises:
            NoAnswer: somebody did not answer.
        """
        page = await asking.broken_off(after)
        return await self.judge(page.runs), page.next

    async def judge(self, runs: Sequence[RunRef]) -> Found:
        """Judge these runs.

        Raises:
            NoAnswer: somebody did not answer.
        """
        examined = await _examined(runs)
        # A reset run goes by the id of the first one of its chain.
        known = await self._known(RunRef(r.fact.saga_id, r.first_run_id) for r in examined.runs)
        return self._judged(known, examined)

    async def seal(self, run_ids: Sequence[str]) -> None:
        """Have each ledger note that there is nothing more to find about these runs."""
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
        loudest = timedelta(0)
        for run in examined.runs:
            operations = known.get(run.first_run_id, {})
            judged = self._judge(run, operations, examined.retention_seconds)
            if isinstance(judged, Leftover):
                gone = run.fact.status == "gone" and not judged.unproved
                kind = "gone" if gone else "unproved" if judged.unproved else "left_behind"
                by_verdict[kind].append(judged)
                if gone:
                    loudest = max(loudest, _quiet_in(operations))
            elif judged:
                right.append(run.first_run_id)
        return Found(
            tuple(right),
            tuple(by_verdict["left_behind"]),
            tuple(by_verdict["gone"]),
            tuple(by_verdict["unproved"]),
            examined.unreadable,
            loudest,
        )

    def _judge(
        self, run: ExaminedRun, operations: Mapping[str, RunOperation], retention: float
    ) -> Leftover | bool:
        """Return what there is to undo; else True when every effect is known to stand rightly."""
        states = RunStates(
            {step: found.state for step, found in operations.items()},
            [step for step, found in operations.items() if found.decided_by_hand],
        )
        age = max((found.age_seconds for found in operations.values()), default=0.0)
        doubt = doubt_of(age, retention, self._identities)
        verdict, why = judge(states, run.fact, doubt)
        if self.unanswered and verdict in ("succeeded", "unproved"):
            return False
        if verdict == "succeeded":
            return True
        standing = tuple(step for step in STEPS if step in states.standing)
        steps = standing
        if run.fact.status == "terminated" and run.order is not None:
            # An action may still be under way that was begun before the run was broken off.
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


def _quiet_in(operations: Mapping[str, RunOperation]) -> timedelta:
    quiet = min((found.quiet_seconds for found in operations.values()), default=0.0)
    return max(timedelta(0), policies.QUIET - timedelta(seconds=quiet))


def _order_id(run: ExaminedRun, operations: Mapping[str, RunOperation]) -> str:
    if run.order is not None:
        return run.order.order_id
    return next((found.order_id for found in operations.values()), run.fact.saga_id)
