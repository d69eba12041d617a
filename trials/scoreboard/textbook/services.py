"""Mock services like most real ones: they know idempotency keys, but no tombstones."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select, text

from messages.base import Reversal
from services.fence import C, Fence, fence
from services.mock import Services


class NoTombstones(Fence):
    """Fence that recognises repeated requests, but forgets an undo without an effect."""

    def undo(self, request: C, effect: Callable[[Connection, C], None]) -> Reversal:
        known = select(fence.c.key).where(fence.c.key == request.idempotency_key)
        with self._ledger.transaction() as tx:
            if tx.execute(known).one_or_none() is None:
                return Reversal(had_effect=False)
        return super().undo(request, effect)


def without_tombstones(services: Services) -> Services:
    """Return the same services without tombstones.

    Their ledgers also accept two effects of one order under two keys.
    """
    for name, ledger in services._ledgers.items():
        with ledger.transaction() as tx:
            tx.execute(text("DROP INDEX IF EXISTS fence_standing"))
        services[name]._fence = NoTombstones(ledger)
    return services
