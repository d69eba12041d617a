"""Examination of runs: the end of each, or of the last run that a reset made of it."""

from __future__ import annotations

import asyncio
from typing import Literal

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)
from temporalio.service import RPCError, RPCStatusCode

from messages.ids import leftover_id
from messages.reconciliation import RunsPage
from messages.runs import ExaminedRun, RunRef, SagaFact, UnreadableRun
from messages.text import one_line
from runs.descriptions import SERVER_TIMEOUT, STANDS, description, first_run_id, run_of
from runs.histories import read_history
from runs.results import rolled_back
from runs.visibility import equals, sagas_query

_PAGE = 200

#: Errors of a server that is unavailable, is overloaded or refuses access.
_TRANSIENT = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.PERMISSION_DENIED,
}

_STATUS: dict[WorkflowExecutionStatus, Literal["succeeded", "rolled_back", "terminated"]] = {
    WorkflowExecutionStatus.COMPLETED: "succeeded",
    WorkflowExecutionStatus.FAILED: "rolled_back",
    WorkflowExecutionStatus.CANCELED: "rolled_back",
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.TIMED_OUT: "terminated",
}


def first_sight(run: WorkflowExecution) -> SagaFact:
    """Return the fact that follows from the run's closing status alone."""
    status = _STATUS.get(run.status) if run.status else None
    return SagaFact(saga_id=run.id, status=status or "open")


class TemporalRuns:
    """Exact queries to Temporal about runs, because the list of runs may be out of date."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def broken_off(self, after: str) -> RunsPage:
        """List the runs that were terminated or timed out and whose leftover is not undone yet."""
        query = f'{sagas_query(self._task_queue)} AND ExecutionStatus IN ("Terminated", "TimedOut")'
        listed = self._client.list_workflows(
            query,
            page_size=_PAGE,
            next_page_token=bytes.fromhex(after) or None,
            rpc_timeout=SERVER_TIMEOUT,
        )
        await listed.fetch_next_page()
        page = await asyncio.gather(*map(self._to_be_undone, listed.current_page or ()))
        return RunsPage(
            runs=tuple(run for run in page if run is not None),
            next=(listed.next_page_token or b"").hex(),
        )

    async def examine(self, asked: RunRef) -> ExaminedRun | UnreadableRun:
        """Return how the run ended, or how the last run that a reset made of it ended.

        Raises:
            RPCError: the server does not answer. If it refuses to describe the run, the run
                counts as unreadable instead.
        """
        try:
            return await self._examined(asked)
        except RPCError as error:
            if error.status in _TRANSIENT:
                raise
            return UnreadableRun(run=asked, why=one_line(error.message))
        # Anybody may start anything under a saga's name, and one bad run must not hide the others.
        except Exception as error:
            return UnreadableRun(run=asked, why=f"{one_line(error)} ({type(error).__name__})")

    async def retention_seconds(self) -> float:
        """Return how long the namespace keeps a closed run."""
        described = await self._client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=self._client.namespace), timeout=SERVER_TIMEOUT
        )
        return described.config.workflow_execution_retention_ttl.ToTimedelta().total_seconds()

    async def _examined(self, asked: RunRef) -> ExaminedRun:
        described = await self._describe(asked.saga_id, asked.run_id)
        first = first_run_id(described) if described else asked.run_id
        end = await self._end_of(asked.saga_id, first, described)
        if end is None:
            gone = SagaFact(saga_id=asked.saga_id, status="gone")
            return ExaminedRun(first_run_id=first, fact=gone)
        fact = first_sight(end)
        if fact.status in ("open", "succeeded"):
            return ExaminedRun(first_run_id=first, fact=fact)
        run = run_of(self._client, end.id, end.run_id)
        result = await rolled_back(run) if fact.status == "rolled_back" else None
        if result is not None:
            fact = fact.model_copy(update={"resolved_manually": result.resolved_manually})
            return ExaminedRun(first_run_id=first, fact=fact)
        # A run that failed because of its input or a defect has undone nothing either.
        order, by_hand = await read_history(self._client, run)
        fact = SagaFact(saga_id=end.id, status="terminated", resolved_manually=by_hand)
        return ExaminedRun(first_run_id=first, fact=fact, order=order)

    async def _to_be_undone(self, run: WorkflowExecution) -> RunRef | None:
        """Return the run; None if a workflow undoes its leftover, or has done so."""
        # The list does not contain the first run id of a run that a reset made.
        described = await self._describe(run.id, run.run_id)
        found = RunRef(run.id, first_run_id(described) if described else run.run_id)
        leftover = await self._describe(leftover_id(found), None)
        begun = leftover is not None and leftover.status in STANDS
        return None if begun else found

    async def _end_of(
        self, saga_id: str, first: str, described: WorkflowExecutionDescription | None
    ) -> WorkflowExecutionDescription | None:
        """Return the last run of the chain that began with ``first``; None when it is not known."""
        # An open run is always the latest run of its workflow id.
        latest = await self._describe(saga_id, None)
        begin = latest if latest is not None and first_run_id(latest) == first else described
        if begin is None or (begin is described and described.run_id != first):
            begin = await self._describe(saga_id, first)
        if begin is None:
            begin = await self._newest_of_chain(saga_id, first)
        # A reset only stops a run, so its end is that of the run that the reset made. If that
        # run is gone, the end is unknown.
        while begin is not None and begin.raw_description.workflow_extended_info.reset_run_id:
            reset = begin.raw_description.workflow_extended_info.reset_run_id
            begin = await self._describe(saga_id, reset)
        return begin

    async def _newest_of_chain(
        self, saga_id: str, first: str
    ) -> WorkflowExecutionDescription | None:
        """Return the newest run of a chain whose first run was deleted."""
        query = equals("WorkflowId", saga_id)
        newest: WorkflowExecutionDescription | None = None
        async for run in self._client.list_workflows(query, rpc_timeout=SERVER_TIMEOUT):
            found = await self._describe(saga_id, run.run_id)
            if found is None or first_run_id(found) != first:
                continue
            if newest is None or newest.start_time < found.start_time:
                newest = found
        return newest

    async def _describe(
        self, saga_id: str, run_id: str | None
    ) -> WorkflowExecutionDescription | None:
        return await description(self._client, saga_id, run_id)
