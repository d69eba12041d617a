"""Ports: interfaces through which activities reach services, ledgers and Temporal.

The port of each service is beside its activities, in ``activities/<service>.py``.

Every method of a service keeps the promises of a participant:

- It may be called several times with the same request, and has its effect once.
- A compensation succeeds even if its action has not arrived. From then on the action is refused.
- ``settle`` records that an operator has undone the operation by hand. It moves nothing, and
  from then on the action is refused as well.
- It refuses by an exception of ``messages.failures``. All other exceptions count as temporary
  faults, and the call is retried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from messages.base import Reversal
from messages.deliveries import CarrierRef, CarrierState, Delivery
from messages.events.base import Event
from messages.ledgers import FencedOperation, LedgerIdentity, RunOperation, UnsettledPage
from messages.reconciliation import RunsPage
from messages.runs import ExaminedRun, RunRef, UnreadableRun
from messages.settling import Settle


class Settling(Protocol):
    """Part of every service's port: records operators' decisions on its operations."""

    def settle(self, request: Settle) -> Reversal: ...


class Records(Protocol):
    """Port of a service's ledger, for the reconciler."""

    def identity(self) -> LedgerIdentity:
        """Return the ledger's service and home, and since when its records are complete."""
        ...

    def unsettled(self, after: str) -> UnsettledPage:
        """List the runs that have a standing effect which is not sealed, one page at a time."""
        ...

    def operations(self, run_ids: Sequence[str]) -> tuple[RunOperation, ...]:
        """Return the states of these runs' operations, as far as the ledger knows them."""
        ...

    def operation(self, run_id: str) -> FencedOperation | None:
        """Return the full record of one run's operation; None if the ledger does not know it."""
        ...

    def seal(self, run_ids: Sequence[str]) -> int:
        """Seal the standing effects of these runs; return their number."""
        ...

    def unseal(self, seconds: float) -> int:
        """Unseal some of the effects that were sealed in the last ``seconds``.

        Returns their number. It is 0 when none is left.
        """
        ...

    def close_gap(self, until: str) -> bool:
        """Note that the other ledgers know of the gap that ended at ``until``.

        Returns False if the ledger has a newer gap.
        """
        ...


class Runs(Protocol):
    """Port to Temporal: runs of sagas, and how they ended."""

    async def broken_off(self, after: str) -> RunsPage:
        """List the runs that were ended from outside, one page at a time."""
        ...

    async def examine(self, asked: RunRef) -> ExaminedRun | UnreadableRun:
        """Find out how the run ended; if it was reset, how the latest run of its chain did."""
        ...

    async def retention_seconds(self) -> float:
        """Return the seconds for which Temporal keeps a closed run."""
        ...


class Carriers(Protocol):
    """Port to Temporal: deliveries of events."""

    async def look_at(self, carrier: CarrierRef) -> CarrierState:
        """Find out whether the delivery exists, and its state."""
        ...

    async def start(self, delivery: Delivery, *, again: bool = False) -> None:
        """Start a delivery, unless it is open or completed; ``again``: also a completed one.

        If another workflow has the delivery's id, the delivery gets another id.
        """
        ...

    async def tell(self, event: Event) -> None:
        """Tell an event to its order, if the order is still open.

        A closed one needs no word: every step had succeeded, or every service had answered that
        its step is undone. If it was terminated, the reconciler undoes its effects.
        """
        ...
