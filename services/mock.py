"""Set of the mock services that a process has open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar, cast

from sqlalchemy import text

from messages.ledgers import Home
from messages.participants import SERVICES
from services.answers import Listener, nobody
from services.faults import FaultPlan
from services.fenced_service import FencedService
from services.ledger import Ledger, open_ledger
from services.modules import MODULES
from services.records import LedgerRecords

S = TypeVar("S", bound=FencedService)


@dataclass(frozen=True)
class Services:
    """Set of open services; asking for any other one raises ``KeyError``."""

    _ledgers: Mapping[str, Ledger]
    _services: Mapping[str, FencedService]
    _opened: ExitStack = field(repr=False)

    def __getitem__(self, service: str) -> FencedService:
        """Return the service with that name."""
        return self._services[service]

    def get(self, kind: type[S]) -> S:
        """Return the service of that type."""
        name = next(name for name, module in MODULES.items() if module.SERVICE is kind)
        return cast("S", self[name])

    def records(self, service: str) -> LedgerRecords:
        """Return a service's ledger as the reconciler uses it."""
        return LedgerRecords(self._ledgers[service])

    def notes(self) -> dict[str, Callable[[], None]]:
        """Return by service what notes in a ledger that it is open; call each every few seconds.

        A note raises LedgerUnavailable if the ledger cannot be written.
        """
        return {service: ledger.still_open for service, ledger in self._ledgers.items()}

    def checks(self) -> dict[str, Callable[[], None]]:
        """Return a check of each ledger; it raises LedgerUnavailable if the ledger is gone."""
        return {f"{name} ledger": partial(_answers, each) for name, each in self._ledgers.items()}

    def close(self) -> None:
        """Close the ledgers; call this when no operation is running."""
        self._opened.close()


def open_services(
    urls: Mapping[str, str],
    faults: FaultPlan | None = None,
    only: Collection[str] = SERVICES,
    home: Home | None = None,
    listener: Listener = nobody,
    threads: int = 20,
) -> Services:
    """Open the services, whose ledgers are given as URLs by service.

    Ledgers that do not exist are created, with their folders.

    Args:
        urls: the URLs of the ledgers.
        faults: the plan that the services follow; by default they have no faults.
        only: the services to open.
        home: the Temporal namespace whose runs the ledgers serve.
        listener: receives each answer of a fence.
        threads: number of threads that may use one ledger at the same time.

    Raises:
        LedgerUnavailable: a ledger cannot be opened. The others are closed again.
    """
    with ExitStack() as opened:
        ledgers = {}
        for name, module in MODULES.items():
            if name in only:
                ledgers[name] = open_ledger(
                    name, urls[name], module.TABLES, module.open_balance, home, threads
                )
                opened.callback(ledgers[name].close)
        plan = faults or FaultPlan()
        built = {
            name: MODULES[name].SERVICE(ledger, plan, listener) for name, ledger in ledgers.items()
        }
        return Services(ledgers, built, opened.pop_all())


def _answers(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.execute(text("SELECT 1"))
