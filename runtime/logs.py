"""Logging of a process that a person watches in a terminal."""

from __future__ import annotations

import logging

from temporalio import activity, workflow


class _OneLine(logging.Formatter):
    """Formatter that prints one line for each record, because failed attempts are normal."""

    def format(self, record: logging.LogRecord) -> str:
        told = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower()}: "
        told += record.getMessage() + _where(record)
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            told += f": {error} ({type(error).__name__})"
        return " ".join(told.split())


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
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine())
    logging.basicConfig(level=level, handlers=[handler])
