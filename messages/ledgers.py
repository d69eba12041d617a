"""Answers of the services' ledgers about themselves and about the runs in them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from messages.base import Identifier, Reply
from messages.participants import AnyRequest
from messages.runs import RunRef

OperationState = Literal["applied", "refused", "reversed", "settled"]


class Home(NamedTuple):
    """Temporal namespace whose runs a ledger serves, by the ids that the server assigned."""

    cluster_id: str
    namespace_id: str


class Gap(Reply):
    """Period from which a ledger may have lost or missed operations."""

    #: Seconds since it began.
    seconds: float
    #: Time at which it ended, by the ledger's clock.
    until: str


class LedgerIdentity(Reply):
    """Identity of a ledger: its service, its home, and since when its records are complete."""

    service: str
    #: None when no worker has opened the ledger yet.
    home: Home | None
    #: Seconds for which some worker has always had the ledger open, in its present home. It knows
    #: every operation that arrived in this time.
    proves_seconds: float
    #: A gap that the ledgers of the other services have not been told about.
    gap: Gap | None = None


class RunOperation(Reply):
    """State of a run's operation in one ledger."""

    run: RunRef
    order_id: str
    state: OperationState
    #: True when the reconciler does not look at the operation again.
    sealed: bool
    #: Seconds since the service first received a request for the operation.
    age_seconds: float
    #: Seconds since the state of the operation last changed.
    quiet_seconds: float
    #: True when an operator has recorded a decision on the operation.
    decided_by_hand: bool


class FencedOperation(Reply):
    """Full record of one operation of a run in its ledger."""

    state: OperationState
    order_id: Identifier
    #: None when it cannot be read, or was never received.
    request: AnyRequest | None


class UnsettledPage(Reply):
    """Page of the runs in a ledger that the reconciler has to look at."""

    runs: tuple[RunRef, ...]
    #: Position of the next page; empty on the last page.
    next: str = ""
