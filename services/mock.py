"""Opens the four mock services."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from services import inventory, loyalty, payment, shipping
from services.faults import FaultPlan
from services.ledger import open_ledger


@dataclass(frozen=True)
class Services:
    """The four services, open."""

    inventory: inventory.InventoryService
    payment: payment.PaymentService
    shipping: shipping.ShippingService
    loyalty: loyalty.LoyaltyService
    _ledgers: ExitStack = field(repr=False)

    def close(self) -> None:
        """Close the ledgers; call it when no operation runs any more."""
        self._ledgers.close()


def open_services(urls: Mapping[str, str], faults: FaultPlan | None = None) -> Services:
    """Open the ledgers of ``inventory``, ``payment``, ``shipping`` and ``loyalty`` by URL.

    Ledgers that do not exist are created, with their folders.

    Raises:
        LedgerUnavailable: one of them cannot be opened; the others are closed again.
    """
    plan = faults or FaultPlan()
    with ExitStack() as opened:
        ledgers = {}
        for module in (inventory, payment, shipping, loyalty):
            name = module.__name__.rpartition(".")[2]
            ledgers[name] = open_ledger(name, urls[name], module.TABLES, module.open_balance)
            opened.callback(ledgers[name].close)
        return Services(
            inventory=inventory.InventoryService(ledgers["inventory"], plan),
            payment=payment.PaymentService(ledgers["payment"], plan),
            shipping=shipping.ShippingService(ledgers["shipping"], plan),
            loyalty=loyalty.LoyaltyService(ledgers["loyalty"], plan),
            _ledgers=opened.pop_all(),
        )
