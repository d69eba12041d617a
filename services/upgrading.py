"""Upgrade of ledgers to the current format, before a worker opens them."""

from __future__ import annotations

from collections.abc import Mapping

from services.identity import FORMAT
from services.ledger import format_of, upgrade_ledger
from services.modules import MODULES


def formats_of(urls: Mapping[str, str]) -> dict[str, int]:
    """Return the format of each ledger, by service.

    Raises:
        LedgerUnavailable: a ledger does not exist or cannot be read.
    """
    return {service: format_of(service, url) for service, url in urls.items()}


def upgrade_ledgers(urls: Mapping[str, str]) -> dict[str, int]:
    """Upgrade the ledgers, by service and URL; return the formats of those that were older.

    Each ledger is upgraded in one transaction.

    Raises:
        LedgerUnavailable: a ledger is newer than this program, or cannot be written; or one does
            not exist, and none is changed.
    """
    before = formats_of(urls)
    for service, url in urls.items():
        upgrade_ledger(service, url, MODULES[service].TABLES)
    return {service: was for service, was in before.items() if was < FORMAT}
