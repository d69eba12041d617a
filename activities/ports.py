"""What the activities need of the services; a real service is put behind these.

Every method keeps the participant's promises. It may be called again with the same
request and has its effect once. A compensation may come before, without or instead of
its action, and from then on that action is refused. ``messages.failures`` says how a
service refuses; whatever else a method raises is taken for a passing fault and retried.
"""

from __future__ import annotations

from typing import Protocol

from messages.base import Reversal
from messages.inventory import Reservation, ReserveInventory
from messages.loyalty import AwardLoyaltyPoints, PointsAward
from messages.payment import Payment, ProcessPayment
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
