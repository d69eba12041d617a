"""Cost of one order that can be counted exactly: events, bytes, billable actions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from messages.orders import Order
from trials.bench.measuring import place
from trials.bench.variants import System

#: Seconds in which nothing new may appear in Temporal's lists, which are updated late.
_SETTLED = 1.0

#: Events that Temporal Cloud bills as one action each: https://docs.temporal.io/cloud/actions
#: A child workflow counts twice: where its start is recorded, and where it runs. A signal counts
#: once, where it arrives. Queries leave no event and are not counted; nobody asks here.
_BILLED = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
}
#: Search attribute whose update is not billed.
_FREE = {"TemporalChangeVersion"}
#: Name of the marker of a local activity.
_LOCAL = "core_local_activity"


@dataclass(frozen=True)
class Cost:
    """Traces of one order in Temporal, and of everything that it started."""

    workflows: int
    #: Activities of all kinds: regular, local and standalone.
    activities: int
    signals: int
    events: int
    history_bytes: int
    #: Actions for which Temporal Cloud sends a bill.
    billable_actions: int


async def cost(system: System, order: Order) -> Cost:
    """Place one order, and count what it left when all has ended."""
    before = await _listed(system)
    await place(system, order)
    runs, standalone = await _new(system, before)
    events: list[HistoryEvent] = []
    size = local = actions = attempts = 0
    for workflow_id, run_id in runs:
        handle = system.client.get_workflow_handle(workflow_id, run_id=run_id)
        history = list((await handle.fetch_history()).events)
        described = (await handle.describe()).raw_description.workflow_execution_info
        size += described.history_size_bytes
        local += sum(e.marker_recorded_event_attributes.marker_name == _LOCAL for e in history)
        actions += billable(history)
        events += history
    for activity_id, run_id in standalone:
        activity = system.client.get_activity_handle(activity_id, run_id=run_id)
        attempts += (await activity.describe()).attempt
    kinds = [event.event_type for event in events]
    scheduled = kinds.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    return Cost(
        workflows=len(runs),
        events=len(events),
        history_bytes=size,
        activities=scheduled + local + len(standalone),
        signals=kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED),
        billable_actions=actions + attempts,
    )


def billable(history: Iterable[HistoryEvent]) -> int:
    """Count the billable actions of one run."""
    actions = 0
    tasks_with_markers: set[int] = set()
    for event in history:
        if event.event_type in _BILLED:
            actions += 1
        elif event.HasField("activity_task_started_event_attributes"):
            actions += event.activity_task_started_event_attributes.attempt
        elif event.HasField("upsert_workflow_search_attributes_event_attributes"):
            upsert = event.upsert_workflow_search_attributes_event_attributes
            actions += not upsert.search_attributes.indexed_fields.keys() <= _FREE
        elif event.HasField("marker_recorded_event_attributes"):
            # All local activities of one workflow task are one action together.
            marker = event.marker_recorded_event_attributes
            tasks_with_markers.add(marker.workflow_task_completed_event_id)
    return actions + len(tasks_with_markers)


#: Executions of workflows and of standalone activities, by id and run id.
_Listed = tuple[set[tuple[str, str]], set[tuple[str, str]]]


async def _listed(system: System) -> _Listed:
    query = f'TaskQueue = "{system.task_queue}"'
    runs = {(run.id, run.run_id) async for run in system.client.list_workflows(query)}
    activities = {
        (each.activity_id, each.activity_run_id or "")
        async for each in system.client.list_activities(query)
    }
    return runs, activities


async def _new(system: System, before: _Listed) -> _Listed:
    """Return what was started since ``before``, when all of it has ended."""
    seen = before
    while True:
        await system.quiet()
        now = await _listed(system)
        if now == seen != before:
            return now[0] - before[0], now[1] - before[1]
        seen = now
        await asyncio.sleep(_SETTLED)
