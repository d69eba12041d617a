"""What Temporal knows about the runs of sagas, whatever resets have made of them."""

from __future__ import annotations

from typing import Literal

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)
from temporalio.service import RPCError, RPCStatusCode

from messages.reconciliation import RunsPage
from messages.runs import SAGA_TYPES, ExaminedRun, RunRef, SagaFact
from runtime.endings import SERVER_TIMEOUT, result_of, story_of
from runtime.visibility import equals, quoted

_PAGE = 200

_STATUS: dict[WorkflowExecutionStatus, Literal["succeeded", "rolled_back", "terminated"]] = {
    WorkflowExecutionStatus.COMPLETED: "succeeded",
    WorkflowExecutionStatus.FAILED: "rolled_back",
    WorkflowExecutionStatus.CANCELED: "rolled_back",
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.TIMED_OUT: "terminated",
}


def sagas_query(task_queue: str) -> str:
    """Lists the sagas of our own workers: behind another task queue are other ledgers."""
    types = ", ".join(map(quoted, SAGA_TYPES))
    return f"WorkflowType IN ({types}) AND TaskQueue = {quoted(task_queue)}"


def first_run_id(run: WorkflowExecution) -> str:
    """The id that a run's chain has to the services."""
    return run.raw_info.first_run_id or run.run_id


def first_sight(run: WorkflowExecution) -> SagaFact:
    """What the run's closing status alone tells."""
    status = _STATUS.get(run.status) if run.status else None
    return SagaFact(saga_id=run.id, status=status or "open")


class Runs:
    """Asks Temporal about runs, exactly: not the list of runs, which is late."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def broken_off(self, after: str) -> RunsPage:
        """Runs that were terminated or timed out, as far as Temporal lists them yet."""
        query = f'{sagas_query(self._task_queue)} AND ExecutionStatus IN ("Terminated", "TimedOut")'
        listed = self._client.list_workflows(
            query,
            page_size=_PAGE,
            next_page_token=bytes.fromhex(after) or None,
            rpc_timeout=SERVER_TIMEOUT,
        )
        await listed.fetch_next_page()
        return RunsPage(
            runs=tuple(RunRef(run.id, run.run_id) for run in listed.current_page or ()),
            next=(listed.next_page_token or b"").hex(),
        )

    async def examine(self, asked: RunRef) -> ExaminedRun:
        """Find out how the run ended, or how what a reset has made of it did."""
        described = await self._describe(asked.saga_id, asked.run_id)
        first = first_run_id(described) if described else asked.run_id
        end = await self._end_of(asked.saga_id, first, described)
        if end is None:
            gone = SagaFact(saga_id=asked.saga_id, status="gone")
            return ExaminedRun(first_run_id=first, fact=gone)
        fact = first_sight(end)
        if fact.status in ("open", "succeeded"):
            return ExaminedRun(first_run_id=first, fact=fact)
        result = await result_of(self._client, end) if fact.status == "rolled_back" else None
        if result is not None:
            fact = fact.model_copy(update={"resolved_manually": result.resolved_manually})
            return ExaminedRun(first_run_id=first, fact=fact)
        # Also one that failed on its input, or by a defect, has undone nothing.
        order, by_hand = await story_of(self._client, end)
        fact = SagaFact(saga_id=end.id, status="terminated", resolved_manually=by_hand)
        return ExaminedRun(first_run_id=first, fact=fact, order=order)

    async def _end_of(
        self, saga_id: str, first: str, described: WorkflowExecutionDescription | None
    ) -> WorkflowExecutionDescription | None:
        """The last run of the chain that began with run ``first``; None when none is known."""
        # An open run is always the latest one of its id.
        latest = await self._describe(saga_id, None)
        if latest is not None and first_run_id(latest) == first:
            return latest
        begin = described
        if described is None or described.run_id != first:
            begin = await self._describe(saga_id, first)
        if begin is None:
            return await self._survivor(saga_id, first)
        while begin.raw_description.workflow_extended_info.reset_run_id:
            reset = begin.raw_description.workflow_extended_info.reset_run_id
            following = await self._describe(saga_id, reset)
            if following is None:
                break
            begin = following
        return begin

    async def _survivor(self, saga_id: str, first: str) -> WorkflowExecutionDescription | None:
        """The newest run of a chain whose first run was deleted."""
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
        handle = self._client.get_workflow_handle(saga_id, run_id=run_id)
        try:
            return await handle.describe(rpc_timeout=SERVER_TIMEOUT)
        except RPCError as error:
            # The latter: in no server's ledger is a run id of that form.
            if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
                return None
            raise
