"""The ledgers of the services, as they tell of themselves and of the runs in them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from messages.base import Identifier, Reply
from messages.participants import AnyRequest
from messages.runs import RunRef

OperationState = Literal["applied", "refused", "reversed", "settled"]


class Home(NamedTuple):
    """The Temporal namespace whose runs a ledger serves, by the ids that the server gave."""

    cluster_id: str
    namespace_id: str


class Gap(Reply):
    """A time of which a ledger may have lost operations, or missed them."""

    #: Seconds since it began.
    seconds: float
    #: When it ended, by the ledger's clock.
    until: str


class LedgerIdentity(Reply):
    """A ledger, as it tells of itself."""

    service: str
    #: None of a ledger that no worker has opened yet.
    home: Home | None
    #: For so long it has been open without a gap, as the ledger of its present home. Had an
    #: operation arrived since then, the ledger would know it.
    proves_seconds: float
    #: A gap of which the ledgers of the other services have not been told.
    gap: Gap | None = None


class RunOperation(Reply):
    """The state of a run's operation in one ledger."""

    run: RunRef
    order_id: str
    state: OperationState
    #: Whether the operation needs no more looking at.
    sealed: bool
    #: Seconds since the service first heard of it, and since it last decided on it.
    age_seconds: float
    quiet_seconds: float
    #: Whether an operator has recorded a decision on it.
    decided_by_hand: bool


class FencedOperation(Reply):
    """A ledger's full knowledge of one operation of a run."""

    state: OperationState
    order_id: Identifier
    #: None when it cannot be read, or was never heard of.
    request: AnyRequest | None


class UnsettledPage(Reply):
    """Some of the runs that a ledger has to be looked at for."""

    runs: tuple[RunRef, ...]
    #: Where to look on; empty when there are no more.
    next: str = ""
