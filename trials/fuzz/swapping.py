"""Services with a worker, whose ledgers may be swapped for others while orders are under way."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Interceptor

from cli.modes import Mode
from services.faults import FaultPlan
from services.mock import Services, open_services
from settings import Settings
from tests.harness.shop import Shop
from tests.harness.watched import Watch, WatchedServices


class SwappingShop(Shop):
    """Open while it is a context; what is under way when a ledger is swapped may finish."""

    def __init__(
        self,
        env: WorkflowEnvironment,
        settings: Settings,
        mode: Mode,
        plan: FaultPlan,
        watch: Watch,
        versions: Interceptor,
    ) -> None:
        self._plan = plan
        self._watch = watch
        self._versions = versions
        self._urls = dict(settings.ledger_urls())
        self._copies: dict[str, str] = {}
        super().__init__(env, settings, self._open_ledgers(), mode)

    async def __aenter__(self) -> SwappingShop:
        self._working = self.worker(interceptors=[self._versions])
        await self._working.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._working.__aexit__(None, None, None)
        self._opened.close()

    def copy(self, service: str) -> None:
        """Copy the ledger as it is now; only the first copy is kept."""
        if service in self._copies:
            return
        copied = self.settings.data_dir / f"{service}-from-before.db"
        with (
            closing(sqlite3.connect(self._file(service))) as now,
            closing(sqlite3.connect(copied)) as then,
        ):
            now.backup(then)
        self._copies[service] = f"sqlite:///{copied}"

    async def swap(self, service: str, *, restored: bool) -> str:
        """Have the service go on with another ledger; return that one's URL."""
        empty = f"sqlite:///{self.settings.data_dir / f'{service}-another.db'}"
        if restored:
            self.copy(service)
        await self._go_on_with({service: self._copies[service] if restored else empty})
        return self._urls[service]

    async def swap_back(self) -> None:
        """Have each service go on with its own ledger."""
        await self._go_on_with(self.settings.ledger_urls())

    async def _go_on_with(self, urls: dict[str, str]) -> None:
        await self.__aexit__()
        self._urls.update(urls)
        self.services = self._open_ledgers()
        await self.__aenter__()

    def _open_ledgers(self) -> Services:
        self._opened = open_services(self._urls, self._plan)
        return WatchedServices.of(self._opened, self._watch)

    def _file(self, service: str) -> Path:
        return Path(self._urls[service].removeprefix("sqlite:///"))
