"""Publication of events by child workflows, as earlier versions did it.

Only runs that began in an earlier version use it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from messages import wire
    from messages.deliveries import CarrierState, Delivery
    from messages.events.base import Event
    from messages.ids import old_delivery_id
    from messages.subscriptions import ORDER, subscribers

from workflows.choreography.carriers import look_at
from workflows.choreography.publication import tell_order

# A terminated delivery may be started again, a completed one may not.
_ONCE = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
_AGAIN = WorkflowIDReusePolicy.ALLOW_DUPLICATE


async def publish(event: Event, *, verified: bool) -> None:
    """Start the delivery of an event to each subscriber; return when all have started."""
    await asyncio.gather(
        *(
            tell_order(event.correlation_id, wire.RECEIVE_EVENT, event)
            if subscriber == ORDER
            else deliver(Delivery(event=event, subscriber=subscriber), verified=verified)
            for subscriber in subscribers(event)
        )
    )


async def deliver(delivery: Delivery, *, verified: bool) -> None:
    """Start a delivery, unless it is open or completed.

    Args:
        verified: if the workflow id is taken, make sure that it is taken by this delivery, and
            not by another workflow. False for runs that began before this check existed.
    """
    if verified:
        await _start_unless_present(delivery, _ONCE)
    else:
        await _start(delivery, old_delivery_id(delivery.event.id, delivery.subscriber), _ONCE)


async def deliver_again(deliveries: Sequence[Delivery]) -> list[CarrierState]:
    """Start deliveries again, also completed ones, but not those that are open or parked.

    Returns:
        The state of each delivery before.
    """
    refs = [delivery.ref(variant) for delivery in deliveries for variant in ("", delivery.fact)]
    found = await look_at(refs)
    states = [_best(found[i : i + 2]) for i in range(0, len(found), 2)]
    for delivery, state in zip(deliveries, states, strict=True):
        if not state.is_in_progress:
            await _start_unless_present(delivery, _AGAIN)
    return states


async def _start_unless_present(delivery: Delivery, policy: WorkflowIDReusePolicy) -> None:
    # The first two ids can be predicted, so another workflow may have taken them. The third one
    # is random.
    for variant in ("", delivery.fact, None):
        ref = delivery.ref(str(workflow.uuid4()) if variant is None else variant)
        if await _start(delivery, ref.workflow_id, policy):
            return
        (state,) = await look_at([ref])
        if state not in (CarrierState.OTHER, CarrierState.ABSENT):
            return


async def _start(delivery: Delivery, workflow_id: str, policy: WorkflowIDReusePolicy) -> bool:
    """Start a delivery; return False if the workflow id is taken."""
    try:
        await workflow.start_child_workflow(
            wire.EVENT_DELIVERY,
            delivery,
            id=workflow_id,
            # Nobody needs the result. If the SDK decoded an unreadable one, this run would fail.
            result_type=RawValue,
            # A delivery has to outlive its parent, or an undo would be lost when the order ends.
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            id_reuse_policy=policy,
            static_summary=f"{delivery.event.type} → {delivery.subscriber}",
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


def _best(found: Sequence[CarrierState]) -> CarrierState:
    """Return the state of a delivery that has two possible ids: an open one if there is one."""
    return next((state for state in found if state.is_in_progress), found[0])
