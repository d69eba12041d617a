"""Workflow runs as Temporal knows them: lists, descriptions, inputs, results and histories."""

from __future__ import annotations

from temporalio.api.enums.v1 import WorkflowExecutionStatus as Told
from temporalio.client import WorkflowExecutionStatus


def _open_if_paused(_class: object, status: object) -> WorkflowExecutionStatus | None:
    paused = status == Told.WORKFLOW_EXECUTION_STATUS_PAUSED
    return WorkflowExecutionStatus.RUNNING if paused else None


# The server can pause runs, but the SDK does not know this status, and one such run would fail any
# list in which it is. A paused run is open.
WorkflowExecutionStatus._missing_ = classmethod(_open_if_paused)  # type: ignore[assignment]
