"""Backup of a ledger, on each database by its own means."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from tests.harness.postgres import PostgresServer


class Backup:
    """Backup of one ledger, which may be in use.

    Args:
        url: the ledger's URL.
        file: where the backup is kept.
        server: returns the server, if the ledger is on PostgreSQL.
    """

    def __init__(self, url: str, file: Path, server: Callable[[], PostgresServer]) -> None:
        self._file, self._server = file, server
        self._database = str(make_url(url).database)
        self._on_sqlite = url.startswith("sqlite:")
        if not self._on_sqlite:
            server().back_up(self._database, file)
            return
        with (
            closing(sqlite3.connect(self._database)) as ledger,
            closing(sqlite3.connect(file)) as to,
        ):
            ledger.backup(to)

    def restore(self) -> None:
        """Restore the ledger in its place; nobody may have it open."""
        if self._on_sqlite:
            shutil.copy(self._file, self._database)
        else:
            self._server().restore(self._file, self._database)

    def restore_elsewhere(self) -> str:
        """Restore the ledger in another place, and return its URL there."""
        if self._on_sqlite:
            return f"sqlite:///{self._file}"
        return self._server().restore(self._file, f"{self._database}_restored")
