"""The mock services as most services are: they know keys, and neither tombstones nor orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, select, text

from messages.base import Reversal
from services.fence import C, Fence, fence
from services.inventory import InventoryService
from services.loyalty import LoyaltyService
from services.mock import Services
from services.participant import Participant
from services.payment import PaymentService
from services.shipping import ShippingService

P = TypeVar("P", bound=Participant)


class NoTombstones(Fence):
    """Knows repeated requests, and forgets an undo that found nothing to undo."""

    def undo(self, request: C, effect: Callable[[Connection, C], None]) -> Reversal:
        known = select(fence.c.key).where(fence.c.key == request.idempotency_key)
        with self._ledger.transaction() as tx:
            if tx.execute(known).one_or_none() is None:
                return Reversal(had_effect=False)
        return super().undo(request, effect)


def without_tombstones(services: Services) -> Services:
    """Return the same services, but for their tombstones.

    Nor do their ledgers keep an order from having an effect twice, under two keys.
    """
    for ledger in services._ledgers.values():
        with ledger.transaction() as tx:
            tx.execute(text("DROP INDEX IF EXISTS fence_standing"))
    return _Textbook(services._ledgers, services._services, services._opened)


@dataclass(frozen=True)
class _Textbook(Services):
    @property
    def inventory(self) -> InventoryService:
        return _forgetful(super().inventory)

    @property
    def payment(self) -> PaymentService:
        return _forgetful(super().payment)

    @property
    def shipping(self) -> ShippingService:
        return _forgetful(super().shipping)

    @property
    def loyalty(self) -> LoyaltyService:
        return _forgetful(super().loyalty)


def _forgetful(participant: P) -> P:
    participant._fence = NoTombstones(participant._fence._ledger)
    return participant
