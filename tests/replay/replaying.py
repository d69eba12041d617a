"""Runs workflow code against a history, as the product's worker does when it takes up a run."""

from __future__ import annotations

from functools import cache

from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from runtime.data_converter import data_converter
from worker import PASSED_THROUGH, WORKFLOWS


@cache
def replayer(*changed: type) -> Replayer:
    """Replays on the product's workflows, or on others in their place."""
    return Replayer(
        workflows=changed or WORKFLOWS,
        data_converter=data_converter,
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
        ),
    )
