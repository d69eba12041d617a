"""Opens the mock services."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from messages.ledgers import Home
from services import inventory, loyalty, payment, shipping
from services.faults import FaultPlan
from services.ledger import Ledger, open_ledger
from services.records import LedgerRecords

_MODULES = {"inventory": inventory, "payment": payment, "shipping": shipping, "loyalty": loyalty}
SERVICES = tuple(_MODULES)


@dataclass(frozen=True)
class Services:
    """The services whose ledgers are open; asking for another one raises ``KeyError``."""

    _ledgers: Mapping[str, Ledger]
    _plan: FaultPlan
    _opened: ExitStack = field(repr=False)

    @property
    def inventory(self) -> inventory.InventoryService:
        """Stock on hand."""
        return inventory.InventoryService(self._ledgers["inventory"], self._plan)

    @property
    def payment(self) -> payment.PaymentService:
        """Customers' credit."""
        return payment.PaymentService(self._ledgers["payment"], self._plan)

    @property
    def shipping(self) -> shipping.ShippingService:
        """Shipments."""
        return shipping.ShippingService(self._ledgers["shipping"], self._plan)

    @property
    def loyalty(self) -> loyalty.LoyaltyService:
        """Customers' points."""
        return loyalty.LoyaltyService(self._ledgers["loyalty"], self._plan)

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
        return Services(ledgers, faults or FaultPlan(), opened.pop_all())
