"""The committed histories: read, compared, written.

``histories/<workflow type>/<scenario>.<n>.json``. A scenario has a second file when the code
has changed, in a way that old runs survive, what its events are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from tests.replay.recording import Scenario

FOLDER = Path(__file__).with_name("histories")

# What a replay does not look at, and what would only be large or tell of the recording machine.
_LEFT_OUT = {
    "historySizeBytes",
    "identity",
    "meteringMetadata",
    "requestId",
    "stackTrace",
    "taskId",
}

# How often a workflow task was tried, or an activity started, is chance.
_CHANCE = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
    EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED,
}


def files(scenario: Scenario | None = None) -> list[Path]:
    """Return the committed histories, of one scenario or of all."""
    pattern = f"{scenario.workflow}/{scenario.name}.*.json" if scenario else "*/*.json"
    return sorted(FOLDER.glob(pattern))


def is_newest(file: Path) -> bool:
    """Return whether a history is of the code as it is now, or the last that was like it."""
    n = file.suffixes[-2][1:]
    return not file.with_name(file.name.replace(f".{n}.json", f".{int(n) + 1}.json")).exists()


def read(file: Path) -> WorkflowHistory:
    """Return a committed history."""
    history = WorkflowHistory.from_json(file.stem, file.read_text(encoding="utf-8"))
    # Events and their deliveries are called after the run that they belong to.
    started = history.events[0].workflow_execution_started_event_attributes
    return WorkflowHistory(started.workflow_id or file.stem, history.events)


def write(scenario: Scenario, history: WorkflowHistory) -> Path:
    """Keep a history beside those that are there."""
    n = 1 + max((int(file.suffixes[-2][1:]) for file in files(scenario)), default=0)
    file = FOLDER / scenario.workflow / f"{scenario.name}.{n}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    events = [json.dumps(_slim(event)) for event in history.to_json_dict()["events"]]
    # A line an event, so that two histories can be compared by eye.
    file.write_text('{"events": [\n' + ",\n".join(events) + "\n]}\n", encoding="utf-8")
    return file


def shape(history: WorkflowHistory) -> list[str]:
    """Return what the run did, without when and how often it was tried."""
    return [" ".join(_told(event)) for event in history.events if event.event_type not in _CHANCE]


def alike(scenario: Scenario, one: WorkflowHistory, other: WorkflowHistory) -> bool:
    """Tell whether two runs did the same; if not orderly, in whatever order and however often."""
    if scenario.orderly:
        return shape(one) == shape(other)
    return set(shape(one)) == set(shape(other))


def ending(history: WorkflowHistory) -> str:
    """Return how the run was closed, in Temporal's words."""
    last = EventType.Name(history.events[-1].event_type)
    start = "EVENT_TYPE_WORKFLOW_EXECUTION_"
    closed = last.removeprefix(start)
    return closed if closed in ("COMPLETED", "FAILED", "CANCELED") else "RUNNING"


def _told(event: HistoryEvent) -> Iterator[str]:
    yield EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
    if event.HasField("activity_task_scheduled_event_attributes"):
        yield event.activity_task_scheduled_event_attributes.activity_type.name
    if event.HasField("marker_recorded_event_attributes"):
        yield event.marker_recorded_event_attributes.marker_name
    if event.HasField("start_child_workflow_execution_initiated_event_attributes"):
        child = event.start_child_workflow_execution_initiated_event_attributes
        # Whose it is comes first in its id, and then which.
        yield child.workflow_id.split("/")[0]
    if event.HasField("workflow_execution_update_accepted_event_attributes"):
        accepted = event.workflow_execution_update_accepted_event_attributes
        yield accepted.accepted_request.input.name


def _slim(value: object) -> object:
    if isinstance(value, dict):
        return {key: _slim(part) for key, part in value.items() if key not in _LEFT_OUT}
    return [_slim(part) for part in value] if isinstance(value, list) else value
