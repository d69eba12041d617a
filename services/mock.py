"""Opens the mock services."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeVar, cast

from messages.ledgers import Home
from messages.participants import SERVICES
from services.faults import FaultPlan
from services.fenced_service import FencedService
from services.ledger import Ledger, open_ledger
from services.modules import MODULES
from services.records import LedgerRecords

S = TypeVar("S", bound=FencedService)


@dataclass(frozen=True)
class Services:
    """The services whose ledgers are open; asking for another one raises ``KeyError``."""

    _ledgers: Mapping[str, Ledger]
    _services: Mapping[str, FencedService]
    _opened: ExitStack = field(repr=False)

    def __getitem__(self, service: str) -> FencedService:
        """The service of that name."""
        return self._services[service]

    def get(self, kind: type[S]) -> S:
        """The service of that type."""
        name = next(name for name, module in MODULES.items() if module.SERVICE is kind)
        return cast("S", self[name])

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
    """Open the ledgers of the services, by service and URL.

    Ledgers that do not exist are created, with their folders; ``only`` those that are named.
    They serve the runs of ``home``.

    Raises:
        LedgerUnavailable: one of them cannot be opened; the others are closed again.
    """
    with ExitStack() as opened:
        ledgers = {}
        for name, module in MODULES.items():
            if name in only:
                ledgers[name] = open_ledger(
                    name, urls[name], module.TABLES, module.open_balance, home
                )
                opened.callback(ledgers[name].close)
        plan = faults or FaultPlan()
        built = {name: MODULES[name].SERVICE(ledger, plan) for name, ledger in ledgers.items()}
        return Services(ledgers, built, opened.pop_all())
