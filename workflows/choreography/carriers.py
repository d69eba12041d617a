"""Carriers: the states of the workflows under the ids of deliveries."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.deliveries import DeliveryActivities
    from messages.deliveries import CarrierRef, CarrierState

from workflows import policies
from workflows.replies import UnreadableReply, call


async def look_at(wanted: Sequence[CarrierRef]) -> list[CarrierState]:
    """Return the state of each carrier; OTHER if Temporal cannot be asked.

    A caller that publishes takes OTHER for "start it again". One delivery too many does no harm,
    since the fence recognises it. One too few leaves the order waiting for ever.
    """
    policy = policies.SEARCH
    try:
        found = await call(
            DeliveryActivities.look_at_deliveries.__name__,
            list(wanted),
            reply=list[CarrierState],
            attempt=policy.attempt,
            window=policy.window,
            retry=policy.retry,
        )
    except (FailureError, UnreadableReply) as error:
        workflow.logger.warning("the states of deliveries are unknown: %s", error)
        found = []
    return found if len(found) == len(wanted) else [CarrierState.OTHER] * len(wanted)
