"""Opens the mock services."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import cast

from messages.ledgers import Home
from services import inventory, loyalty, payment, shipping
from services.faults import FaultPlan
from services.ledger import Ledger, open_ledger
from services.participant import Participant
from services.records import LedgerRecords

_MODULES = {"inventory": inventory, "payment": payment, "shipping": shipping, "loyalty": loyalty}
SERVICES = tuple(_MODULES)
_CLASSES: Mapping[str, Callable[[Ledger, FaultPlan], Participant]] = {
    "inventory": inventory.InventoryService,
    "payment": payment.PaymentService,
    "shipping": shipping.ShippingService,
    "loyalty": loyalty.LoyaltyService,
}


@dataclass(frozen=True)
class Services:
    """The services whose ledgers are open; asking for another one raises ``KeyError``."""

    _ledgers: Mapping[str, Ledger]
    _services: Mapping[str, Participant]
    _opened: ExitStack = field(repr=False)

    @property
    def inventory(self) -> inventory.InventoryService:
        """Stock on hand."""
        return cast("inventory.InventoryService", self._services["inventory"])

    @property
    def payment(self) -> payment.PaymentService:
        """Customers' credit."""
        return cast("payment.PaymentService", self._services["payment"])

    @property
    def shipping(self) -> shipping.ShippingService:
        """Shipments."""
        return cast("shipping.ShippingService", self._services["shipping"])

    @property
    def loyalty(self) -> loyalty.LoyaltyService:
        """Customers' points."""
        return cast("loyalty.LoyaltyService", self._services["loyalty"])

    def records(self, service: str) -> LedgerRecords:
        """Return a service's ledger, for the reconciler."""
        return LedgerRecords(self._ledgers[service])

    def still_open(self) -> None:
        """Note in each ledger that it is open; to be called every few seconds."""
        for ledger in self._ledgers.values():
            ledger.still_open()

    def close(self) -> None:
        """Close the ledgers; call it when no operation runs any more."""
        self._opened.close()


def open_services(
    urls: Mapping[str, str],
    faults: FaultPlan | None = None,
    only: Collection[str] = SERVICES,
    home: Home | None = None,
) -> Services:
    """Open the ledgers of ``inventory``, ``payment``, ``shipping`` and ``loyalty`` by URL.

    Ledgers that do not exist are created, with their folders; ``only`` those that are named.
    They serve the runs of ``home``.

    Raises:
        LedgerUnavailable: one of them cannot be opened; the others are closed again.
    """
    with ExitStack() as opened:
        ledgers = {}
        for name in SERVICES:
            if name in only:
                module = _MODULES[name]
                ledgers[name] = open_ledger(
                    name, urls[name], module.TABLES, module.open_balance, home
                )
                opened.callback(ledgers[name].close)
        plan = faults or FaultPlan()
        built = {name: _CLASSES[name](ledger, plan) for name, ledger in ledgers.items()}
        return Services(ledgers, built, opened.pop_all())
