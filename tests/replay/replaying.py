"""Replay of a history by workflow code, as when a worker takes up a run, in the sandbox."""

from __future__ import annotations

from functools import cache

from temporalio.worker import Replayer

from runtime.data_converter import data_converter
from worker import WORKFLOWS
from workflows.running import workflow_runner


@cache
def replayer(*changed: type) -> Replayer:
    """Replays on the product's workflows, or on others in their place."""
    return Replayer(
        workflows=changed or WORKFLOWS,
        data_converter=data_converter,
        # Where a call that no replay could repeat is refused.
        workflow_runner=workflow_runner(sandbox=True),
    )
