"""Ends of runs, counted and logged."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError, CancelledError, FailureError
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

with workflow.unsafe.imports_passed_through():
    from messages import metrics, wire
    from messages.reconciliation import Reconciled

from workflows.metrics import count, measure

_OUTCOME_OF = {wire.SAGA_ROLLED_BACK: "failed", wire.SAGA_CANCELLED: "cancelled"}


class CountedEnds(Interceptor):
    """Interceptor that counts and logs how runs end.

    A worker without telemetry does not have it, so it costs nothing there.
    """

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """See base class."""
        return _Counted


class _Counted(WorkflowInboundInterceptor):
    async def execute_workflow(self, input: ExecuteWorkflowInput) -> object:
        """Run the workflow, and count its end."""
        try:
            result: object = await super().execute_workflow(input)
        # Not BaseException: a run that is evicted from the cache, or continued as new, goes on.
        except FailureError as error:
            _ended(error)
            raise
        _ended(result)
        return result


def _ended(result: object) -> None:
    """Count the end of the run that is being executed.

    Args:
        result: its result, or the failure with which it closes.
    """
    kind = workflow.info().workflow_type
    failed = isinstance(result, FailureError)
    if kind in metrics.MODE_OF:
        mode, outcome = metrics.MODE_OF[kind], _outcome(result)
        count(metrics.OUTCOMES, mode=mode, outcome=outcome)
        measure(metrics.DURATION, workflow.now() - workflow.info().workflow_start_time, mode=mode)
        workflow.logger.info("the saga has ended: %s", outcome)
    elif kind == wire.RECONCILE_ORDERS:
        count(metrics.RECONCILIATIONS, result="unfinished" if failed else "done")
    elif isinstance(result, Reconciled):
        undone = result.undone or result.kept_out or result.resolved_manually
        count(metrics.RECONCILED, result="undone" if undone else "left_alone")


def _outcome(result: object) -> str:
    if isinstance(result, CancelledError):
        return "cancelled"
    if isinstance(result, ApplicationError):
        return _OUTCOME_OF.get(result.type or "", "error")
    return "error" if isinstance(result, FailureError) else "success"
