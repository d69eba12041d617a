"""What tests do to runs from outside, and have the reconciler do about it."""

from __future__ import annotations

import uuid
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from messages.ids import leftover_id
from messages.reconciliation import Reconcile, Reconciled, ReconciliationReport
from messages.runs import RunRef
from tests.harness.server import in_real_time
from tests.workflows.conftest import AnyHandle, Shop, until
from workflows.orchestration.order_saga import STEPS
from workflows.reconciliation.reconcile_orders import ReconcileOrders
from workflows.reconciliation.undo_leftover import UndoLeftover

NAMES = [step.name for step in STEPS]


async def begin(
    shop: Shop, *, dry_run: bool = False, however_many: bool = False
) -> WorkflowHandle[ReconcileOrders, object]:
    # What it waits for is measured by the ledgers' clocks, which nobody skips.
    async with in_real_time(shop.env):
        return await shop.env.client.start_workflow(
            ReconcileOrders.run,
            Reconcile(dry_run=dry_run, however_many=however_many),
            id=f"reconcile-{uuid.uuid4()}",
            task_queue=shop.settings.task_queue,
        )


async def reconcile(
    shop: Shop, *, dry_run: bool = False, however_many: bool = False
) -> ReconciliationReport:
    """Reconcile once; the report, also when something could not be undone."""
    try:
        begun = await begin(shop, dry_run=dry_run, however_many=however_many)
        report = await begun.result()
    except WorkflowFailureError as failure:
        if not isinstance(failure.cause, ApplicationError):
            raise
        report = ReconciliationReport.model_validate(failure.cause.details[0])
    assert isinstance(report, ReconciliationReport)
    return report


async def assert_nothing_left(shop: Shop) -> None:
    report = await reconcile(shop)
    assert report.all_done, report
    assert report.orders == 0, report


async def terminate(shop: Shop, handle: AnyHandle) -> None:
    """Terminate the run, and wait until Temporal lists it as terminated."""
    await handle.terminate("test")
    query = f'WorkflowId = "{handle.id}" AND ExecutionStatus = "Terminated"'

    async def listed() -> bool:
        return (await shop.env.client.count_workflows(query)).count == 1

    await until(listed)


async def delete(shop: Shop, handle: WorkflowHandle[Any, Any]) -> None:
    """Delete the run, and wait until Temporal does not know it any more."""
    await shop.env.client.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(
            namespace=shop.env.client.namespace,
            workflow_execution=WorkflowExecution(
                workflow_id=handle.id, run_id=handle.run_id or handle.first_execution_run_id or ""
            ),
        )
    )

    async def gone() -> bool:
        try:
            await handle.describe()
        except RPCError as error:
            return error.status is RPCStatusCode.NOT_FOUND
        return False

    await until(gone)


def leftover_of(shop: Shop, handle: AnyHandle) -> WorkflowHandle[UndoLeftover, Reconciled]:
    """The run that undoes what the saga's run left behind."""
    run = RunRef(handle.id, handle.first_execution_run_id or "")
    return shop.env.client.get_workflow_handle_for(UndoLeftover.run, leftover_id(run))
