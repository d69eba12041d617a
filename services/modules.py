"""Modules of the services, found by the names in the table of participants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

from sqlalchemy import Connection, Table

from messages.participants import SERVICES
from services.fenced_service import FencedService
from services.kept import Kept


class ServiceModule(Protocol):
    """Module ``services/<service>.py``."""

    #: The class of the mock service.
    SERVICE: type[FencedService]
    #: The tables of its ledger.
    TABLES: Sequence[Table]
    #: Description of its books for the audit.
    BOOKS: Kept

    def open_balance(self, tx: Connection) -> None:
        """Enter the opening balance of a new ledger."""


MODULES: Mapping[str, ServiceModule] = {
    service: cast("ServiceModule", import_module(f"services.{service}")) for service in SERVICES
}
