"""Description of runs that stay open, for who looks into a failed scenario."""

from __future__ import annotations

from collections.abc import Iterable

from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client

from tests.harness.runs import Run, describe


async def descriptions(client: Client, workflow_ids: Iterable[str]) -> str:
    """Return a line for each run, and one for each activity that it waits for."""
    found = [await _described(client.get_workflow_handle(each)) for each in workflow_ids]
    return "\n".join(found)


async def _described(handle: Run) -> str:
    run = await describe(handle)
    if run is None:
        return f"{handle.id}: gone by now"
    events = (await handle.fetch_history()).events
    last = ", ".join(EventType.Name(event.event_type) for event in events[-4:])
    raw = run.raw_description
    task = f"; its workflow task: {raw.pending_workflow_task}".replace("\n", " ")
    line = f"{handle.id}: {len(events)} events, the last ones are {last}{task}"
    return "\n".join([line, *map(_activity, raw.pending_activities)])


def _activity(pending: PendingActivityInfo) -> str:
    return (
        f"    {pending.activity_type.name}, {PendingActivityState.Name(pending.state)},"
        f" attempt {pending.attempt},"
        f" next at {pending.scheduled_time.ToJsonString()}:"
        f" {pending.last_failure.message}"
    )
