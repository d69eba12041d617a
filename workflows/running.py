"""Ways in which a worker runs the workflows: in or outside of the sandbox, with which version."""

from __future__ import annotations

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import UnsandboxedWorkflowRunner, WorkerDeploymentConfig, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows.orchestration.fast_path import fast

# Modules without side effects. In the sandbox, a workflow task is much cheaper if they are
# imported once instead of once per run.
_SHARED = ("pydantic", "messages", "activities", "workflows.policies")


def workflow_runner(*, sandbox: bool) -> WorkflowRunner:
    """Return what runs the workflows, in the SDK's sandbox or as any other code."""
    if not sandbox:
        return UnsandboxedWorkflowRunner()
    shared = SandboxRestrictions.default.with_passthrough_modules(*_SHARED)
    return SandboxedWorkflowRunner(restrictions=shared)


def deployment_config(
    deployment: str, build_id: str | None, *, fast_path: bool
) -> WorkerDeploymentConfig | None:
    """Return the version of a worker; None if it has neither a build id nor the fast path."""
    version = fast(build_id or "") if fast_path else build_id
    if not version:
        return None
    pinned, unversioned = VersioningBehavior.PINNED, VersioningBehavior.UNSPECIFIED
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment, version),
        use_worker_versioning=build_id is not None,
        default_versioning_behavior=pinned if build_id else unversioned,
    )
