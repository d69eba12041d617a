"""Runs of sagas: their ids, and the facts that Temporal knows about them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from messages.base import Reply
from messages.orders import Order


class RunRef(NamedTuple):
    """Workflow id and run id of a run of a saga."""

    saga_id: str
    run_id: str


class NextListing(NamedTuple):
    """Place from which the next audit has to list Temporal's runs."""

    #: Time by Temporal's clock: runs that closed before need not be listed; None to list all.
    since: str | None
    #: Number of runs that left nothing in the ledgers, rightly, and closed before.
    left_nothing: int


class SagaFact(Reply):
    """Facts that Temporal knows about one run of a saga."""

    saga_id: str
    #: ``terminated``: closed without a chance to compensate (terminated, timed out).
    #: ``gone``: Temporal does not know the run, or has forgotten it. That alone proves nothing.
    status: Literal["open", "succeeded", "rolled_back", "terminated", "gone"]
    #: Steps recorded as undone by hand, from before such decisions were stored in the ledgers.
    resolved_manually: tuple[str, ...] = ()


class ExaminedRun(Reply):
    """Answer of Temporal about a run; if it was reset, about the latest run of its chain."""

    #: The run id in idempotency keys. A reset does not change it.
    first_run_id: str
    fact: SagaFact
    #: The order that a terminated run was started with; None if its input was not an order.
    order: Order | None = None


class UnreadableRun(Reply):
    """Run about which Temporal's answer cannot be read."""

    run: RunRef
    why: str
