"""Chain of runs: the first run of a workflow, and the runs that resets made of it."""

from __future__ import annotations

from temporalio import workflow

from messages.ids import OperationId


def has_earlier_life() -> bool:
    """Tell whether this run is not the first of its chain.

    The history of such a run was copied only up to the reset point. The run before it may have
    done and undone more than that, under the same idempotency keys.
    """
    info = workflow.info()
    return info.run_id != info.first_execution_run_id


def idempotency_key(step: str) -> str:
    """Return the idempotency key of a step, which is the same in all runs of the chain."""
    info = workflow.info()
    return str(OperationId(info.workflow_id, info.first_execution_run_id, step))
