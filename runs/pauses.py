"""Pauses of runs and of their activities, by Temporal's own commands."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.client import WorkflowExecutionDescription


class Pause(NamedTuple):
    """Pause of a whole run, or of one of its activities."""

    #: None if the whole run is paused.
    activity_id: str | None
    #: Type of the activity.
    activity: str | None
    #: Identity of whoever paused it, and why; empty if the server does not tell.
    by: str
    reason: str
    since: datetime | None


def pauses_of(described: WorkflowExecutionDescription) -> list[Pause]:
    """Return the pauses of an open run."""
    raw = described.raw_description
    found = [
        Pause(
            activity_id=activity.activity_id,
            activity=activity.activity_type.name,
            by=activity.pause_info.manual.identity,
            reason=activity.pause_info.manual.reason,
            since=_time(activity.pause_info.pause_time),
        )
        for activity in raw.pending_activities
        if activity.paused
    ]
    if raw.workflow_extended_info.HasField("pause_info"):
        pause = raw.workflow_extended_info.pause_info
        since = _time(pause.paused_time)
        found.insert(0, Pause(None, None, pause.identity, pause.reason, since))
    return found


def _time(at: Timestamp) -> datetime | None:
    return at.ToDatetime(timezone.utc) if at.seconds else None
