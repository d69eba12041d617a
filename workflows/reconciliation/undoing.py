"""Start of the workflow that undoes a leftover, and a bounded wait for its result."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from temporalio import workflow
from temporalio.common import RawValue, WorkflowIDReusePolicy
from temporalio.exceptions import ChildWorkflowError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from messages import wire
    from messages.ids import leftover_id
    from messages.reconciliation import Leftover, Reconciled
    from messages.runs import RunRef

from workflows import policies
from workflows.failure import explain
from workflows.replies import UnreadableReply, read_reply


async def undo_in_child_workflow(
    leftover: Leftover, waiting: Mapping[RunRef, Reconciled]
) -> Reconciled | None:
    """Undo a leftover in a child workflow, and wait a limited time for its result.

    The child goes on after that time, and also when the reconciliation closes.

    Args:
        waiting: leftovers that have reported that they wait for an operator. It changes during
            the wait.

    Returns:
        The result, or None if nothing had to be undone.
    """
    child_id = leftover_id(leftover.run)
    try:
        child = await workflow.start_child_workflow(
            wire.UNDO_LEFTOVER,
            leftover,
            id=child_id,
            result_type=RawValue,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=f"what {leftover.run.saga_id} left behind",
        )
    except WorkflowAlreadyStartedError:
        why = f"being undone, or waiting for an operator, in {child_id}"
        return leftover.as_waiting(dict.fromkeys(leftover.steps, why))
    try:
        await workflow.wait_condition(
            lambda: child.done() or leftover.run in waiting,
            timeout=policies.UNDONE_WITHIN,
            timeout_summary=f"until {child_id} need not be waited for",
        )
        if child.done():
            return _result(read_reply(await child, Reconciled, child_id))
    except asyncio.TimeoutError:
        why = f"not undone yet; {child_id} continues"
        return leftover.as_waiting(dict.fromkeys(leftover.steps, why))
    except (ChildWorkflowError, UnreadableReply) as error:
        return leftover.as_waiting(dict.fromkeys(leftover.steps, explain(error)))
    return waiting[leftover.run]


def _result(reconciled: Reconciled) -> Reconciled | None:
    nothing = not (
        reconciled.undone
        or reconciled.kept_out
        or reconciled.resolved_manually
        or reconciled.kept
        or reconciled.failed
    )
    # That happens when a reset has reopened the run.
    return None if nothing else reconciled
