"""The chain of runs that resets make of one run."""

from __future__ import annotations

from temporalio import workflow


def has_earlier_life() -> bool:
    """Tell whether this run is not the first of its chain.

    Its history ends where it was reset to. The run before it may have done, and undone, more
    than that, under the same keys.
    """
    info = workflow.info()
    return info.run_id != info.first_execution_run_id
