"""Upgrades of ledgers: as a whole or not at all, once, and the same as a new ledger."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine.interfaces import ReflectedColumn, ReflectedIndex

from services.audit import audit
from services.identity import FORMAT
from services.ledger import LedgerUnavailable, format_of
from services.mock import open_services
from starter import app
from tests.harness.old_ledgers import FORMATS, old_ledgers
from tests.harness.postgres import PostgresServer
from tests.harness.steps import SERVICES


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | PostgresServer:
    """Place for ledgers, on each database."""
    if request.param == "sqlite":
        return tmp_path
    server: PostgresServer = request.getfixturevalue("postgres")
    return server


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Open a transaction of a database, whatever is in it."""
    engine = create_engine(url)
    try:
        with engine.begin() as tx:
            yield tx
    finally:
        engine.dispose()


def tables(url: str) -> dict[str, object]:
    """Return all that the database knows of the tables, but not the order of their columns."""
    with connected(url) as tx:
        found = inspect(tx)
        return {
            name: (
                sorted(_column(tx, each) for each in found.get_columns(name)),
                found.get_pk_constraint(name)["constrained_columns"],
                sorted(check["sqltext"] for check in found.get_check_constraints(name)),
                sorted(map(_index, found.get_indexes(name))),
            )
            for name in found.get_table_names()
        }


def _column(tx: Connection, column: ReflectedColumn) -> tuple[str, str, bool]:
    # SQLite's integers are all of one size, whatever they are called.
    kind = str(column["type"])
    kind = kind.replace("BIGINT", "INTEGER") if tx.dialect.name == "sqlite" else kind
    return column["name"], kind, column["nullable"]


def _index(index: ReflectedIndex) -> tuple[str, ...]:
    where = [
        str(v).replace("!=", "<>")
        for k, v in index["dialect_options"].items()
        if k.endswith("_where")
    ]
    return (str(index["name"]), *map(str, index["column_names"]), str(index["unique"]), *where)


def revision(url: str) -> str:
    with connected(url) as tx:
        return str(tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def test_an_upgraded_ledger_is_like_a_new_one(place: Path | PostgresServer, tmp_path: Path) -> None:
    seen = []
    # Databases of PostgreSQL take their time, and the oldest format goes through all revisions.
    formats = FORMATS if isinstance(place, Path) else FORMATS[:1]
    for number, old in enumerate((*formats, None)):
        folder = tmp_path / str(number)
        folder.mkdir()
        here = folder if isinstance(place, Path) else place
        if old is not None:
            urls = old_ledgers(old, here)
        elif isinstance(here, Path):
            urls = {name: f"sqlite:///{here / name}.db" for name in SERVICES}
        else:
            urls = {name: here.empty_database(name) for name in SERVICES}
        with closing(open_services(urls)):
            pass
        seen.append({name: (tables(url), revision(url)) for name, url in urls.items()})
    *upgraded, new = seen
    assert new["payment"][1] == f"format_{FORMAT}"
    for each in upgraded:
        assert each == new


def test_who_upgrades_at_once_upgrades_once(place: Path | PostgresServer) -> None:
    urls = old_ledgers("format_1", place)
    services = list(SERVICES)
    start = Barrier(len(services))

    def open_each(first: int) -> None:
        start.wait(60)
        for service in services[first:] + services[:first]:
            open_services(urls, only=[service]).close()

    with ThreadPoolExecutor(len(services)) as pool:
        for opened in [pool.submit(open_each, first) for first in range(len(services))]:
            opened.result(120)
    assert {format_of(name, url) for name, url in urls.items()} == {FORMAT}


def test_an_upgrade_that_fails_midway_changes_nothing(place: Path | PostgresServer) -> None:
    urls = old_ledgers("format_1", place)
    with connected(urls["payment"]) as tx:
        # The name of one that the upgrade from format 3 creates.
        tx.execute(text("CREATE INDEX fence_unaudited ON fence (saga_id)"))
    before = tables(urls["payment"])
    with pytest.raises(LedgerUnavailable, match="fence_unaudited") as failed:
        open_services(urls, only=["payment"])
    assert "\n" not in str(failed.value)
    assert tables(urls["payment"]) == before
    assert format_of("payment", urls["payment"]) == 1
    with connected(urls["payment"]) as tx:
        tx.execute(text("DROP INDEX fence_unaudited"))
    open_services(urls, only=["payment"]).close()


def test_a_program_that_is_older_than_the_ledger_leaves_it_alone(ledgers: dict[str, str]) -> None:
    open_services(ledgers).close()
    with connected(ledgers["payment"]) as tx:
        tx.execute(text("UPDATE ledger SET version = version + 1"))
        tx.execute(text("DROP TABLE credit"))
    before = tables(ledgers["payment"])
    with pytest.raises(LedgerUnavailable, match="newer program has upgraded it"):
        open_services(ledgers)
    with pytest.raises(LedgerUnavailable, match="newer program has upgraded it"):
        audit(ledgers)
    assert tables(ledgers["payment"]) == before


def test_a_ledger_of_this_format_from_before_alembic_is_taken_over_without_it(
    ledgers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its import takes a fifth of a second, and every start of a worker would pay for it."""
    monkeypatch.setitem(sys.modules, "alembic", None)
    open_services(ledgers, only=["payment"]).close()
    with connected(ledgers["payment"]) as tx:
        tx.execute(text("DROP TABLE alembic_version"))
    for _ in range(2):
        open_services(ledgers, only=["payment"]).close()
        assert revision(ledgers["payment"]) == f"format_{FORMAT}"


def test_an_operator_sees_the_formats_and_upgrades(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    urls = old_ledgers("format_4", tmp_path)
    monkeypatch.setenv("ORDER_SAGA_DATA_DIR", str(tmp_path))

    def starter(*arguments: str) -> str:
        asked = app(["upgrade-ledgers", *arguments], standalone_mode=False)
        assert asyncio.run(asked) == 0
        return capsys.readouterr().out

    assert "payment ledger has format 4, and would be upgraded" in starter("--dry-run")
    assert format_of("payment", urls["payment"]) == 4
    told = json.loads(starter("--json"))
    assert told == {"format": FORMAT, "found": dict.fromkeys(SERVICES, 4), "upgraded": True}
    assert json.loads(starter("--json", "--dry-run"))["found"] == dict.fromkeys(SERVICES, FORMAT)
    assert audit(urls).succeeded == 3
