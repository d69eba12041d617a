"""Lists of orders, as Temporal's visibility store shows them."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey

from messages.statuses import ListedStatus
from messages.wire import SAGA_STATUS
from runs.descriptions import SERVER_TIMEOUT
from runs.visibility import IS_OPEN, one_of, quoted

_STATUS = SearchAttributeKey.for_keyword(SAGA_STATUS)
_QUERIES: dict[ListedStatus, str] = {
    "RUNNING": f"{IS_OPEN} AND {SAGA_STATUS} IS NULL",
    "COMPENSATING": f'{IS_OPEN} AND {SAGA_STATUS} = "COMPENSATING"',
    "NEEDS_INTERVENTION": f'{IS_OPEN} AND {SAGA_STATUS} = "NEEDS_INTERVENTION"',
    "SUCCESS": 'ExecutionStatus = "Completed"',
    "FAILED": f'ExecutionStatus = "Failed" AND ({SAGA_STATUS} IS NULL OR'
    f' {SAGA_STATUS} != "CANCELLED")',
    "CANCELLED": '(ExecutionStatus = "Canceled" OR'
    f' (ExecutionStatus = "Failed" AND {SAGA_STATUS} = "CANCELLED"))',
    "TERMINATED": 'ExecutionStatus IN ("Terminated", "TimedOut")',
}
_CLOSED: dict[WorkflowExecutionStatus, ListedStatus] = {
    WorkflowExecutionStatus.COMPLETED: "SUCCESS",
    WorkflowExecutionStatus.CANCELED: "CANCELLED",
    WorkflowExecutionStatus.TERMINATED: "TERMINATED",
    WorkflowExecutionStatus.TIMED_OUT: "TERMINATED",
}


def listed_status(run: WorkflowExecution) -> ListedStatus:
    """Return the status of a listed run."""
    attribute = run.typed_search_attributes.get(_STATUS)
    if run.status is WorkflowExecutionStatus.RUNNING:
        if attribute == "NEEDS_INTERVENTION":
            return "NEEDS_INTERVENTION"
        return "COMPENSATING" if attribute else "RUNNING"
    if run.status is WorkflowExecutionStatus.FAILED:
        return "CANCELLED" if attribute == "CANCELLED" else "FAILED"
    return _CLOSED.get(run.status, "FAILED") if run.status else "FAILED"


def orders_query(
    task_queue: str, workflow_types: Sequence[str], status: ListedStatus | None
) -> str:
    """Return the query for the orders of these types on a task queue, with a status or with any."""
    query = f"{one_of('WorkflowType', workflow_types)} AND TaskQueue = {quoted(task_queue)}"
    return f"{query} AND {_QUERIES[status]}" if status else query


async def page_of(
    client: Client, query: str, *, page: int, size: int
) -> tuple[list[WorkflowExecution], int]:
    """Return one page of the runs that meet the query, and how many meet it in all.

    Open runs come first, then those that closed last.
    """
    total = await client.count_workflows(query, rpc_timeout=SERVER_TIMEOUT)
    listed = client.list_workflows(query, page_size=size, rpc_timeout=SERVER_TIMEOUT)
    for number in range(1, page + 1):
        await listed.fetch_next_page()
        if number == page:
            return list(listed.current_page or ()), total.count
        if not listed.next_page_token:
            break
    return [], total.count
