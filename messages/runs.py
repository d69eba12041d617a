"""The runs of sagas, as the ledgers name them and as Temporal judges them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from messages.base import Reply
from messages.orders import Order


class RunRef(NamedTuple):
    """A run of a saga, as Temporal is asked about it."""

    saga_id: str
    run_id: str


class SagaFact(Reply):
    """Facts that Temporal knows about one run of a saga."""

    saga_id: str
    #: ``terminated``: closed without having been able to compensate (terminated, timed out).
    #: ``gone``: Temporal does not know the run, or no more. That alone proves nothing.
    status: Literal["open", "succeeded", "rolled_back", "terminated", "gone"]
    #: Steps recorded as undone by hand before such decisions were kept in the ledgers.
    resolved_manually: tuple[str, ...] = ()


class ExaminedRun(Reply):
    """A run that Temporal was asked about, with all that resets have made of it."""

    #: What the run is called in idempotency keys: a reset keeps it.
    first_run_id: str
    fact: SagaFact
    #: What a terminated run was started with; None when that was no order.
    order: Order | None = None


class UnreadableRun(Reply):
    """A run about which Temporal's answer cannot be read."""

    run: RunRef
    why: str
