"""A ledger's file: opened by several at once, and written so that it survives a power cut."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from services.ledger import open_ledger

#: What SQLite calls synchronous = FULL.
FULL = 2


@pytest.fixture
def sqlite_that_trusts_the_power() -> Iterator[None]:
    """Some builds of SQLite begin with ``synchronous = NORMAL``."""

    def begin(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous = NORMAL")

    event.listen(Pool, "connect", begin)
    yield
    event.remove(Pool, "connect", begin)


@pytest.mark.usefixtures("sqlite_that_trusts_the_power")
def test_a_commit_is_on_disk_before_it_is_acknowledged_whatever_sqlite_does_by_default(
    tmp_path: Path,
) -> None:
    with (
        closing(open_ledger("payment", f"sqlite:///{tmp_path}/payment.db", [])) as ledger,
        ledger.transaction() as tx,
    ):
        assert tx.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert tx.exec_driver_sql("PRAGMA synchronous").scalar_one() == FULL


def test_who_opens_a_new_ledger_waits_for_who_opened_it_a_moment_before(tmp_path: Path) -> None:
    file = tmp_path / "payment.db"
    with closing(
        sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    ) as first_opener:
        # What SQLite does while it changes a file to write-ahead logging. It refuses a second
        # change on the spot, without waiting.
        first_opener.execute("BEGIN IMMEDIATE")
        until_changed = Timer(0.3, first_opener.rollback)
        until_changed.start()
        try:
            open_ledger("payment", f"sqlite:///{file}", []).close()
        finally:
            until_changed.join()
