"""The look at deliveries that have begun: is anything still to be expected of them?"""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.carriers import CarrierActivities
    from messages.deliveries import CarrierRef, CarrierState

from workflows import policies
from workflows.replies import UnreadableReply, call


async def look_at(wanted: Sequence[CarrierRef]) -> list[CarrierState]:
    """Find out how deliveries stand; nothing is to be expected of one that cannot be looked at.

    Then it is begun once more, in vain or for nothing, rather than not at all.
    """
    policy = policies.SEARCH
    try:
        found = await call(
            CarrierActivities.look_at_deliveries.__name__,
            list(wanted),
            reply=list[CarrierState],
            attempt=policy.attempt,
            window=policy.window,
            retry=policy.retry,
        )
    except (FailureError, UnreadableReply) as error:
        workflow.logger.warning("deliveries cannot be looked at: %s", error)
        found = []
    return found if len(found) == len(wanted) else [CarrierState.OTHER] * len(wanted)
