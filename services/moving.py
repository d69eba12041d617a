"""The move of ledgers to another Temporal namespace."""

from __future__ import annotations

from collections.abc import Mapping

from messages.ledgers import Home
from services import identity
from services.ledger import open_ledger, reading


def move_ledgers(urls: Mapping[str, str], home: Home, operator: str, note: str) -> tuple[str, ...]:
    """Have the ledgers, by service and URL, serve another namespace; returns which did not yet.

    Runs of before are unknown there. What the ledgers keep of them is not undone by itself.

    Raises:
        LedgerUnavailable: one of them does not exist or cannot be written.
    """
    for service, url in urls.items():
        # A mistyped name must not become a new ledger, nor the others be moved without it.
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
