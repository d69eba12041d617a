"""Ledgers of the services, and the worker on them; a ledger may be swapped."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Interceptor, Worker

from services.faults import FaultPlan
from services.mock import Services, open_services
from settings import Settings
from tests.harness.watched import Watch, WatchedServices
from worker import worker_config


class Premises:
    """Open while it is a context; what is under way when a ledger is swapped may finish."""

    def __init__(
        self,
        client: Client,
        settings: Settings,
        plan: FaultPlan,
        watch: Watch,
        versions: Interceptor,
    ) -> None:
        self._client = client
        self._settings = settings
        self._plan = plan
        self._watch = watch
        self._versions = versions
        self._urls = dict(settings.ledger_urls())
        self._services: Services | None = None
        self._worker: Worker | None = None
        self._copies: dict[str, str] = {}

    async def __aenter__(self) -> Premises:
        self._services = open_services(self._urls, self._plan)
        watched = WatchedServices.of(self._services, self._watch)
        config = worker_config(self._client, watched, self._settings)
        config["interceptors"] = [*config.get("interceptors", ()), self._versions]
        self._worker = Worker(**config)
        await self._worker.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._worker is not None:
            await self._worker.__aexit__(None, None, None)
        if self._services is not None:
            self._services.close()
        self._worker = self._services = None

    def copy(self, service: str) -> None:
        """Copy the ledger as it is now; only the first copy is kept."""
        if service in self._copies:
            return
        copied = self._settings.data_dir / f"{service}-from-before.db"
        with (
            closing(sqlite3.connect(self._file(service))) as now,
            closing(sqlite3.connect(copied)) as then,
        ):
            now.backup(then)
        self._copies[service] = f"sqlite:///{copied}"

    async def swap(self, service: str, *, restored: bool) -> str:
        """Have the service go on with another ledger; returns that one's URL."""
        empty = f"sqlite:///{self._settings.data_dir / f'{service}-another.db'}"
        if restored:
            self.copy(service)
        await self._go_on_with({service: self._copies[service] if restored else empty})
        return self._urls[service]

    async def swap_back(self) -> None:
        """Have each service go on with its own ledger."""
        await self._go_on_with(self._settings.ledger_urls())

    async def _go_on_with(self, urls: dict[str, str]) -> None:
        await self.__aexit__()
        self._urls.update(urls)
        await self.__aenter__()

    def _file(self, service: str) -> Path:
        return Path(self._urls[service].removeprefix("sqlite:///"))
