"""The reconciler, as tests begin it, and what it tells them."""

from __future__ import annotations

import uuid

from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from messages.ids import leftover_id
from messages.reconciliation import Reconcile, Reconciled, ReconciliationReport
from tests.harness.runs import Run, ref_of
from tests.harness.shop import Shop
from workflows.reconciliation.undo_leftover import UndoLeftover

Leftover = WorkflowHandle[UndoLeftover, Reconciled]


async def begin(shop: Shop, *, dry_run: bool = False, however_many: bool = False) -> Run:
    """Begin a reconciliation. What it waits for is measured by clocks, which nobody skips."""
    request = Reconcile(dry_run=dry_run, however_many=however_many)
    return await shop.begin(
        "ReconcileOrders",
        request,
        workflow_id=f"reconcile-{uuid.uuid4()}",
        result_type=ReconciliationReport,
    )


async def reconcile(
    shop: Shop, *, dry_run: bool = False, however_many: bool = False
) -> ReconciliationReport:
    """Reconcile once; return the report, also when something could not be undone."""
    return await reported(await begin(shop, dry_run=dry_run, however_many=however_many))


async def reported(begun: Run) -> ReconciliationReport:
    """Return the report of a reconciliation, also when something could not be undone."""
    try:
        report = await begun.result()
    except WorkflowFailureError as failure:
        if not isinstance(failure.cause, ApplicationError) or not failure.cause.details:
            raise
        report = ReconciliationReport.model_validate(failure.cause.details[0])
    assert isinstance(report, ReconciliationReport)
    return report


async def assert_nothing_left(shop: Shop) -> None:
    """Reconcile, and find nothing to undo."""
    report = await reconcile(shop)
    assert report.all_done, report
    assert report.orders == 0, report


def leftover_of(shop: Shop, handle: Run) -> Leftover:
    """Return the run that undoes what the saga's run left behind."""
    leftover = leftover_id(ref_of(handle))
    return shop.client.get_workflow_handle_for(UndoLeftover.run, leftover)
