"""Move of ledgers to another Temporal namespace."""

from __future__ import annotations

from collections.abc import Mapping

from messages.ledgers import Home
from services import identity
from services.ledger import open_ledger, reading


def move_ledgers(urls: Mapping[str, str], home: Home, operator: str, note: str) -> tuple[str, ...]:
    """Give the ledgers, by service and URL, another home; return the services that were moved.

    Earlier runs are unknown in the new namespace. Their effects are not undone automatically.

    Raises:
        LedgerUnavailable: a ledger does not exist or cannot be written.
    """
    for service, url in urls.items():
        # A mistyped name must not create a new ledger, and must not move the other ledgers.
        with reading(service, url):
            pass
    moved = []
    for service, url in urls.items():
        ledger = open_ledger(service, url, ())
        try:
            with ledger.transaction() as tx:
                if identity.move(tx, home, operator, note):
                    moved.append(service)
        finally:
            ledger.close()
    return tuple(moved)
