"""Progress of a run: waits for it, and a look at whether it got there without a failure."""

from __future__ import annotations

from temporalio.api.enums.v1 import (
    PendingActivityState,
    PendingWorkflowTaskState,
    WorkflowTaskFailedCause,
)

from tests.harness.runs import Run, describe
from tests.harness.waiting import until

_STARTED = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
_SOMETHING_CAME = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND


async def assert_no_task_failed(run: Run, name: str) -> None:
    """Neither now nor before: the first failure is in the history, the others are attempts.

    A task may have timed out, as on a busy machine, if its next attempt succeeded.
    """
    pending = (await run.describe()).raw_description.pending_workflow_task
    assert pending.attempt <= 1, name
    async for event in run.fetch_history_events():
        if event.HasField("workflow_task_failed_event_attributes"):
            # The server's way to say that something came while the run was closing.
            failed = event.workflow_task_failed_event_attributes
            assert failed.cause == _SOMETHING_CAME, (name, failed)


async def until_running(handle: Run, activity: str) -> None:
    """Wait until an attempt of the activity is under way."""
    await _until_pending(handle, activity, _STARTED)


async def until_under_way(delivery: Run) -> None:
    """Wait until an attempt of a delivery is under way; the first one is in a workflow task."""

    async def reached() -> bool:
        found = await describe(delivery)
        if found is None:
            return False
        pending = found.raw_description
        return (
            pending.pending_workflow_task.state
            == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED
            or any(each.state == _STARTED for each in pending.pending_activities)
        )

    await until(reached)


async def until_retrying(handle: Run, activity: str | None = None) -> None:
    """Wait until the activity, or any, has failed and waits for its next attempt."""
    await _until_pending(handle, activity, PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED)


async def _until_pending(
    handle: Run, activity: str | None, state: PendingActivityState.ValueType
) -> None:
    waiting = state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED

    async def reached() -> bool:
        found = await describe(handle)
        return found is not None and any(
            pending.activity_type.name == (activity or pending.activity_type.name)
            and pending.state == state
            and (not waiting or pending.HasField("last_failure"))
            for pending in found.raw_description.pending_activities
        )

    await until(reached)


async def until_completed(handle: Run, *, activities: int) -> None:
    """Wait until that many activities of the run are recorded as completed."""

    async def reached() -> bool:
        events = (await handle.fetch_history()).events
        done = [e for e in events if e.HasField("activity_task_completed_event_attributes")]
        return len(done) == activities

    await until(reached)


async def until_begun(handle: Run) -> None:
    """Wait until Temporal knows the run."""

    async def begun() -> bool:
        return await describe(handle) is not None

    await until(begun)
