"""Replay of a history by workflow code, as when a worker takes up a run."""

from __future__ import annotations

from functools import cache

from temporalio.worker import Replayer

from runtime.data_converter import data_converter
from worker import WORKFLOWS
from workflows.running import workflow_runner


@cache
def replayer(*changed: type, sandbox: bool = True) -> Replayer:
    """Replay on the product's workflows, or on others in their place.

    Args:
        sandbox: refuse calls that no replay could repeat. It imports the workflows for each run.
    """
    return Replayer(
        workflows=changed or WORKFLOWS,
        data_converter=data_converter,
        workflow_runner=workflow_runner(sandbox=sandbox),
    )
