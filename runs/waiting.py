"""Gauges of what waits for an operator, as Temporal lists it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timezone

from temporalio.api.common.v1 import WorkflowExecution as Execution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client, WorkflowExecution
from temporalio.common import MetricMeter
from temporalio.service import RPCError

from messages import wire
from messages.metrics import LISTED_AT, OLDEST, WAITING
from runs.descriptions import SERVER_TIMEOUT
from runs.listing import of_each, waiting, waiting_if_listed
from runs.visibility import IS_FAILING, IS_PARKED, IS_PAUSED

#: Seconds between two looks.
EVERY = 30.0
#: Workflow type by kind of entry. A choreographed order is none: it waits for a dead letter.
_PARKED: Mapping[str, str] = {
    "order": wire.ORDER_SAGA,
    "dead_letter": wire.EVENT_DELIVERY,
    "leftover": wire.UNDO_LEFTOVER,
}
_PAGE = 100
_UPSERT = EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES


@asynccontextmanager
async def what_waits_shown(
    client: Client, task_queue: str, meter: MetricMeter
) -> AsyncIterator[None]:
    """Keep the gauges up to date until the context ends."""
    gauges = WaitingGauges(client, task_queue, meter)
    looking = asyncio.create_task(_look_again_and_again(gauges))
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


class WaitingGauges:
    """Gauges of what waits on one task queue."""

    def __init__(self, client: Client, task_queue: str, meter: MetricMeter) -> None:
        self._client = client
        self._task_queue = task_queue
        self._number = meter.create_gauge(WAITING.name, WAITING.help)
        self._oldest = meter.create_gauge_float(OLDEST.name, OLDEST.help)
        self._listed_at = meter.create_gauge_float(LISTED_AT.name, LISTED_AT.help)
        #: Time at which a run was parked, by run id.
        self._since: dict[str, datetime] = {}

    async def refresh(self) -> None:
        """Set all gauges.

        Raises:
            RPCError: the server does not answer.
        """
        since: dict[str, datetime] = {}
        for kind, workflow_type in _PARKED.items():
            runs = await waiting(self._client, self._task_queue, IS_PARKED, workflow_type)
            parked_at = await of_each(runs, self._parked_at)
            since |= {run.run_id: at for run, at in zip(runs, parked_at, strict=True)}
            self._number.set(len(runs), {"kind": kind})
            self._oldest.set(_age(min(parked_at, default=None)), {"kind": kind})
        self._since = since
        for kind, condition in (("wedged_run", IS_FAILING), ("paused_run", IS_PAUSED)):
            found = await waiting_if_listed(
                self._client, self._task_queue, condition, *wire.WORKFLOW_TYPES
            )
            if found is not None:  # 0 would say that there is none
                self._number.set(len(found), {"kind": kind})
        self._listed_at.set(time.time())

    async def _parked_at(self, run: WorkflowExecution) -> datetime:
        # The oldest is asked about again, because it may have been retried and parked again.
        known = self._since.get(run.run_id)
        if known is not None and known != min(self._since.values()):
            return known
        return await self._last_upsert(run) or run.start_time

    async def _last_upsert(self, run: WorkflowExecution) -> datetime | None:
        """Return the time at which the run last changed its search attributes.

        For a parked run, that is when it was parked. The list of runs does not have this time, and
        a query would have a worker replay the run.
        """
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=Execution(workflow_id=run.id, run_id=run.run_id),
            maximum_page_size=_PAGE,
        )
        while True:
            found = await self._client.workflow_service.get_workflow_execution_history_reverse(
                request, timeout=SERVER_TIMEOUT
            )
            for event in found.history.events:
                if event.event_type == _UPSERT:
                    return event.event_time.ToDatetime(timezone.utc)
            if not found.next_page_token:
                return None
            request.next_page_token = found.next_page_token


async def _look_again_and_again(gauges: WaitingGauges) -> None:
    while True:
        # If it fails, the time of the last look stays as it is, and an alert watches that time.
        with suppress(RPCError):
            await gauges.refresh()
        await asyncio.sleep(EVERY)


def _age(since: datetime | None) -> float:
    # The server's clock may be ahead of this one.
    return max(0.0, (datetime.now(timezone.utc) - since).total_seconds()) if since else 0.0
