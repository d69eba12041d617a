"""The module of each service, found by the service's name in the table of participants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

from sqlalchemy import Connection, Table

from messages.participants import SERVICES
from services.fenced_service import FencedService
from services.kept import Kept


class ServiceModule(Protocol):
    """A module ``services/<service>.py``."""

    SERVICE: type[FencedService]
    #: The tables of its ledger.
    TABLES: Sequence[Table]
    BOOKS: Kept

    def open_balance(self, tx: Connection) -> None:
        """Write down what a fresh ledger begins with."""


MODULES: Mapping[str, ServiceModule] = {
    service: cast("ServiceModule", import_module(f"services.{service}")) for service in SERVICES
}
