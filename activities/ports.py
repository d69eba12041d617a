"""What the activities need of the services; a real service is put behind these.

Every method of a service keeps the participant's promises. It may be called again with the same
request and has its effect once. A compensation may come before, without or instead of
its action, and from then on that action is refused. ``messages.failures`` says how a
service refuses; whatever else a method raises is taken for a passing fault and retried.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from messages.base import Reversal
from messages.inventory import Reservation, ReserveInventory
from messages.loyalty import AwardLoyaltyPoints, PointsAward
from messages.payment import Payment, ProcessPayment
from messages.reconciliation import FencedOperation, RunsPage
from messages.runs import ExaminedRun, RunRef
from messages.shipping import PrepareShipping, Shipment


class Inventory(Protocol):
    """Sets stock aside."""

    def reserve(self, request: ReserveInventory) -> Reservation: ...

    def release(self, request: ReserveInventory) -> Reversal: ...


class Payments(Protocol):
    """Charges customers."""

    def charge(self, request: ProcessPayment) -> Payment: ...

    def refund(self, request: ProcessPayment) -> Reversal: ...


class Shipping(Protocol):
    """Books shipments."""

    def prepare(self, request: PrepareShipping) -> Shipment: ...

    def cancel(self, request: PrepareShipping) -> Reversal: ...


class Loyalty(Protocol):
    """Credits points."""

    def award(self, request: AwardLoyaltyPoints) -> PointsAward: ...

    def deduct(self, request: AwardLoyaltyPoints) -> Reversal: ...


class Ledgers(Protocol):
    """What all services together know of the runs of sagas."""

    def half_done(self, after: str) -> RunsPage:
        """Runs of which some effects stand and others do not, a page at a time."""
        ...

    def not_half_done(self, runs: Iterable[RunRef]) -> tuple[RunRef, ...]:
        """Those of the runs of which every effect stands, or none but some could still come."""
        ...

    def operations(self, run_id: str) -> tuple[FencedOperation, ...]:
        """Every operation of the run that a service has decided on, in the steps' order."""
        ...


class Runs(Protocol):
    """What is known of how the runs ended."""

    async def broken_off(self, after: str) -> RunsPage:
        """Runs that were ended from outside, a page at a time."""
        ...

    async def examine(self, asked: RunRef) -> ExaminedRun:
        """How the run ended, or how what a reset has made of it did."""
        ...
