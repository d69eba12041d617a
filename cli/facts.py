"""What Temporal knows about the runs that the audit has to judge."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Literal

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus

from cli.modes import Mode
from cli.runs import SERVER_TIMEOUT, description, outcome, run_of
from messages.sagas import SagaRolledBack
from services.audit import RunRef, SagaFact

_QUESTIONS_AT_ONCE = 20

_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)

_STATUS: dict[WorkflowExecutionStatus, Literal["succeeded", "rolled_back", "terminated"]] = {
    WorkflowExecutionStatus.COMPLETED: "succeeded",
    WorkflowExecutionStatus.FAILED: "rolled_back",
    WorkflowExecutionStatus.CANCELED: "rolled_back",
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.TIMED_OUT: "terminated",
}


class Facts:
    """Gathers facts: about all runs at first sight, about doubtful ones exactly.

    The list of runs is cheap, but late, and silent on two things: what an operator took
    over, and which run a reset has continued.
    """

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        # Behind another task queue there are other workers, and so other ledgers.
        kinds = ", ".join(json.dumps(mode.workflow) for mode in Mode)
        self._query = f"WorkflowType IN ({kinds}) AND TaskQueue = {json.dumps(task_queue)}"
        self._at_first_sight: dict[str, SagaFact] = {}
        self._exact: dict[str, tuple[datetime, SagaFact]] = {}
        self._examined: set[RunRef] = set()
        self._gate = asyncio.Semaphore(_QUESTIONS_AT_ONCE)

    def by_run(self) -> dict[str, SagaFact]:
        """All facts, by the first run id of the run's chain."""
        return {**self._at_first_sight, **{run: fact for run, (_, fact) in self._exact.items()}}

    async def survey(self) -> None:
        """Look at all runs at first sight; exactly at those that are open or one of several."""
        found = [
            run
            async for run in self._client.list_workflows(self._query, rpc_timeout=SERVER_TIMEOUT)
        ]
        runs_of = Counter(run.id for run in found)
        doubtful: list[RunRef] = []
        for run in found:
            fact = _first_sight(run)
            self._at_first_sight[run.run_id] = fact
            if fact.status == "open" or runs_of[run.id] > 1:
                doubtful.append(RunRef(run.id, run.run_id))
        await self.examine(doubtful)

    async def examine(self, runs: Iterable[RunRef]) -> bool:
        """Look exactly at these runs; False when each of them was examined before."""
        fresh = set(runs) - self._examined
        self._examined |= fresh
        await asyncio.gather(*(self._examine(run) for run in fresh))
        return bool(fresh)

    async def _examine(self, run: RunRef) -> None:
        async with self._gate:
            described = await description(self._client, run.saga_id, run.run_id)
            latest = await description(self._client, run.saga_id)
            if described is None:
                self._exact[run.run_id] = (_LONG_AGO, SagaFact(saga_id=run.saga_id, status="gone"))
                return
            if latest is not None and first_run_id(latest) == first_run_id(described):
                described = latest
            fact = await self._fact(described)
        # What a reset has continued is one run to the services: that of the first run's id.
        if run.run_id != first_run_id(described):
            self._at_first_sight.pop(run.run_id, None)
        known = self._exact.get(first_run_id(described))
        if known is None or known[0] < described.start_time:
            self._exact[first_run_id(described)] = (described.start_time, fact)

    async def _fact(self, run: WorkflowExecution) -> SagaFact:
        fact = _first_sight(run)
        if fact.status != "rolled_back":
            return fact
        ended = await outcome(run_of(self._client, run.id, run.run_id))
        if not isinstance(ended, SagaRolledBack):
            return SagaFact(saga_id=run.id, status="terminated")
        return fact.model_copy(update={"resolved_manually": ended.resolved_manually})


def first_run_id(run: WorkflowExecution) -> str:
    """The id that a run's chain has to the services."""
    return run.raw_info.first_run_id or run.run_id


def _first_sight(run: WorkflowExecution) -> SagaFact:
    status = _STATUS.get(run.status) if run.status else None
    return SagaFact(saga_id=run.id, status=status or "open")
