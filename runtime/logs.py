"""Logging of a process: lines for a person in a terminal, or JSON for machines."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from datetime import datetime, timezone

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError

from messages.ids import delivery_parts, is_delivery_id, saga_of
from messages.participants import PARTICIPANTS, STEP_OF

#: Logger of this project's own messages that belong to no run.
logger = logging.getLogger("order_saga")

#: Step by activity.
_STEP_OF = {
    name: participant.step for participant in PARTICIPANTS for name in participant.activities
}


class _OneLine(logging.Formatter):
    """Formatter that prints one line for each record, because failed attempts are normal."""

    def format(self, record: logging.LogRecord) -> str:
        told = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower()}: "
        told += record.getMessage() + _where(record)
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            told += f": {error} ({type(error).__name__})"
        return " ".join(told.split())


class _Json(logging.Formatter):
    """Formatter that prints one JSON object for each record."""

    def format(self, record: logging.LogRecord) -> str:
        return as_json(record)


def as_json(record: logging.LogRecord) -> str:
    """Return the record as a JSON object, without anything that a payload says.

    The text of an error may repeat a payload, such as an address that no carrier serves. So only
    the error's type and the lines of code are told.
    """
    fields: dict[str, object] = {
        "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": _without_errors(record),
        **_about(record),
    }
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        fields["error"] = _kind(error)
        fields["stack"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
    return json.dumps(fields)


def _without_errors(record: logging.LogRecord) -> str:
    args = record.args
    if isinstance(args, tuple):
        args = tuple(_kind(arg) if isinstance(arg, BaseException) else arg for arg in args)
    told = str(record.msg) % args if args else str(record.msg)
    # Further lines are those of asyncio, which print the error.
    return told.split("\n", 1)[0]


def _kind(error: BaseException) -> str:
    return (isinstance(error, ApplicationError) and error.type) or type(error).__name__


def _about(record: logging.LogRecord) -> dict[str, object]:
    """Return the fields that name the activity or the workflow run."""
    attempt = getattr(record, "temporal_activity", None)
    if isinstance(attempt, Mapping):
        kind = str(attempt.get("activity_type"))
        known = {
            "step": _STEP_OF.get(kind),
            "activity": kind,
            "attempt": attempt.get("attempt"),
            "workflow_id": attempt.get("workflow_id"),
            "run_id": attempt.get("workflow_run_id"),
        }
    else:
        run = getattr(record, "temporal_workflow", None)
        if not isinstance(run, Mapping):
            return {}
        known = {
            "step": getattr(record, "step", None),
            "attempt": run.get("attempt"),
            "workflow_type": run.get("workflow_type"),
            "workflow_id": run.get("workflow_id"),
            "run_id": run.get("run_id"),
        }
    workflow_id = str(known["workflow_id"])
    fields = {"saga_id": saga_of(workflow_id), **known}
    delivery = delivery_parts(workflow_id) if is_delivery_id(workflow_id) else None
    if delivery is not None and known["step"] is None:
        fields["step"] = STEP_OF.get(delivery[3])
    return {name: value for name, value in fields.items() if value is not None}


def _where(record: logging.LogRecord) -> str:
    """Return the activity or workflow that the record is about."""
    attempt = getattr(record, "temporal_activity", None)
    if isinstance(attempt, dict):
        return (
            f" [{attempt.get('activity_type')}, attempt {attempt.get('attempt')},"
            f" {attempt.get('workflow_id')}]"
        )
    run = getattr(record, "temporal_workflow", None)
    return f" [{run.get('workflow_id')}]" if isinstance(run, dict) else ""


def log_to_terminal(level: int = logging.WARNING) -> None:
    """Print log records of ``level`` and above to standard error, one line each."""
    _log(_OneLine(), level)


def log_as_json() -> None:
    """Print log records to standard error as JSON; ours from INFO, all others from WARNING."""
    for ours in (logger, workflow.logger.base_logger, activity.logger.base_logger):
        ours.setLevel(logging.INFO)
    _log(_Json(), logging.WARNING)


def say(program: str, what: str) -> None:
    """Tell what a program does: in its log if that is JSON, otherwise on standard output."""
    if logger.isEnabledFor(logging.INFO):
        logger.info("%s: %s", program, what)
    else:
        print(f"{program}: {what}", flush=True)


def _log(formatter: logging.Formatter, level: int) -> None:
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
