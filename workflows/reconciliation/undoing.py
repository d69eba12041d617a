"""The beginning of a leftover's undoing, and the wait for what comes of it."""

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


async def see_to(leftover: Leftover, waiting: Mapping[RunRef, Reconciled]) -> Reconciled | None:
    """Have a leftover undone by a workflow of its own, and wait a while for its end.

    The workflow goes on for as long as it takes, whatever becomes of this one.

    Args:
        waiting: what leftovers have told that wait for an operator; changes meanwhile.
    """
    where = leftover_id(leftover.run)
    try:
        child = await workflow.start_child_workflow(
            wire.UNDO_LEFTOVER,
            leftover,
            id=where,
            result_type=RawValue,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=f"what {leftover.run.saga_id} left behind",
        )
    except WorkflowAlreadyStartedError:
        why = f"under way, or waiting for an operator, in {where}"
        return leftover.as_waiting(dict.fromkeys(leftover.steps, why))
    try:
        await workflow.wait_condition(
            lambda: child.done() or leftover.run in waiting, timeout=policies.UNDONE_WITHIN
        )
        if child.done():
            return _result(read_reply(await child, Reconciled, where))
    except asyncio.TimeoutError:
        why = f"not undone yet; it goes on in {where}"
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
    # A reset has brought the run back.
    return None if nothing else reconciled
