"""Ports: the needs that activities have of the outside world.

The port of each service stands beside its activities, in ``activities/<service>.py``.

Every method of a service keeps the participant's promises. It may be called again with the same
request and has its effect once. A compensation may come before, without or instead of
its action, and from then on that action is refused; so it is after an operator's decision that
the operation was undone by hand, which moves nothing. ``messages.failures`` says how a
service refuses; whatever else a method raises is taken for a passing fault and retried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from messages.base import Reversal
from messages.deliveries import CarrierRef, CarrierState
from messages.ledgers import FencedOperation, LedgerIdentity, RunOperation, UnsettledPage
from messages.reconciliation import RunsPage
from messages.runs import ExaminedRun, RunRef, UnreadableRun
from messages.settling import Settle


class Settling(Protocol):
    """Every service: keeps operators' decisions on its operations."""

    def settle(self, request: Settle) -> Reversal: ...


class Records(Protocol):
    """Records that a service's ledger keeps of the runs of sagas, for the reconciler."""

    def identity(self) -> LedgerIdentity:
        """Tell whose ledger it is, and since when it can prove that something did not happen."""
        ...

    def unsettled(self, after: str) -> UnsettledPage:
        """List the runs of which an effect stands that nobody has sealed, a page at a time."""
        ...

    def operations(self, run_ids: Sequence[str]) -> tuple[RunOperation, ...]:
        """Tell what became of the operation of each of these runs that the ledger knows."""
        ...

    def operation(self, run_id: str) -> FencedOperation | None:
        """Tell all that is known of one run's operation; None when it is not known."""
        ...

    def seal(self, run_ids: Sequence[str]) -> int:
        """Note that these runs' effects stand rightly and for good; returns of how many."""
        ...

    def unseal(self, seconds: float) -> int:
        """Have what was sealed in the last so many seconds looked at again, a part at a time.

        Returns of how many runs; none when there are no more.
        """
        ...

    def close_gap(self, until: str) -> bool:
        """Note that the other ledgers know of the gap that ended then; False if it is no more."""
        ...


class Runs(Protocol):
    """Runs and how they ended, as far as Temporal knows."""

    async def broken_off(self, after: str) -> RunsPage:
        """List runs that were ended from outside, a page at a time."""
        ...

    async def examine(self, asked: RunRef) -> ExaminedRun | UnreadableRun:
        """Find out how the run ended, or how what a reset has made of it did."""
        ...

    async def retention_seconds(self) -> float:
        """Tell how long Temporal remembers a closed run."""
        ...


class Carriers(Protocol):
    """Deliveries of events, as far as Temporal knows."""

    async def look_at(self, carrier: CarrierRef) -> CarrierState:
        """Find out whether the delivery is there, and how it stands."""
        ...
