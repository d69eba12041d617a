"""Undoing one run's leftovers, last step first, with the saga's own compensations."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from messages.base import Reversal
    from messages.reconciliation import Leftover, Reconciled, ToUndo
    from messages.requests import STEP_OF

from workflows import policies
from workflows.failure import explain
from workflows.task_queues import task_queue_of

#: In the order in which the steps are undone.
COMPENSATIONS = {
    "award_loyalty_points": "deduct_loyalty_points",
    "prepare_shipping": "cancel_shipment",
    "process_payment": "refund_payment",
    "reserve_inventory": "release_inventory",
}

_SERVICE_OF = {step: service for service, step in STEP_OF.items()}


async def undo_leftover(leftover: Leftover) -> Reconciled:
    """Undo what stands of the run, and keep out what does not; one that fails stops no other."""
    undone: list[str] = []
    kept_out: list[str] = []
    failed: dict[str, str] = {}
    way_back = list(COMPENSATIONS)
    for step in sorted(leftover.steps, key=lambda step: way_back.index(step.step)):
        try:
            reversal = await _compensate(step, leftover.run.saga_id)
        except ActivityError as error:
            failed[step.step] = explain(error)
        except ValueError as error:
            failed[step.step] = str(error)
        else:
            # An action that landed since the ledger was read is undone like the others.
            (undone if reversal.had_effect else kept_out).append(step.step)
    return leftover.reconciled(undone=undone, kept_out=kept_out, failed=failed)


async def _compensate(step: ToUndo, saga_id: str) -> Reversal:
    if step.request is None:
        raise ValueError("the request in its ledger cannot be read")
    reversal: Reversal = await workflow.execute_activity(
        COMPENSATIONS[step.step],
        step.request,
        result_type=Reversal,
        task_queue=task_queue_of(_SERVICE_OF[step.step]),
        start_to_close_timeout=policies.RECONCILIATION.attempt,
        schedule_to_close_timeout=policies.RECONCILIATION.window,
        retry_policy=policies.RECONCILIATION.retry,
        summary=f"undoes {step.step} of {saga_id}",
    )
    return reversal
