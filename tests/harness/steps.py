"""Names of the services, of their steps and of what undoes these, from the one table of them."""

from __future__ import annotations

from messages.participants import PARTICIPANTS

#: By service, its step of the saga.
ACTIONS = {participant.service: participant.step for participant in PARTICIPANTS}
#: By service, the compensation of its step.
UNDOS = {participant.service: participant.compensation for participant in PARTICIPANTS}
SERVICES = tuple(ACTIONS)
#: The steps in their order.
STEPS = list(ACTIONS.values())
COMPENSATION_OF = {participant.step: participant.compensation for participant in PARTICIPANTS}


def before(step: str) -> list[str]:
    """Return the steps that come before this one."""
    return STEPS[: STEPS.index(step)]


def up_to(step: str) -> list[str]:
    """Return the steps that come before this one, and this one."""
    return [*before(step), step]
