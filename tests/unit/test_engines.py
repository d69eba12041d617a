"""Engines: connections to PostgreSQL give up in time and suffice; SQLite compiles once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, QueuePool, text

from services import engines, payment
from services.audit import audit
from services.ledger import LedgerUnavailable, open_ledger
from services.mock import open_services
from tests.harness.postgres import PostgresServer
from tests.harness.steps import SERVICES

_SETTINGS = (
    *("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"),
    *("application_name", "default_transaction_read_only"),
)


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """A database of PostgreSQL."""
    return postgres.empty_database("payment")


@contextmanager
def engine(url: str, *, read_only: bool = False, threads: int = 100) -> Iterator[Engine]:
    made = engines.create(engines.target_of(url), read_only=read_only, threads=threads)
    try:
        yield made
    finally:
        made.dispose()


def settings(engine: Engine) -> list[str]:
    with engine.begin() as tx:
        return [tx.execute(text(f"SHOW {name}")).scalar_one() for name in _SETTINGS]


def libpq(engine: Engine) -> dict[str, str]:
    with engine.begin() as tx:
        connection = tx.connection.dbapi_connection
        assert connection is not None
        parameters: dict[str, str] = connection.info.get_parameters()
        return parameters


def test_nothing_waits_for_ever(url: str) -> None:
    with engine(url) as made:
        assert settings(made) == ["10s", "30s", "30s", "order-saga", "off"]
        given = libpq(made)
        assert (given["connect_timeout"], given["tcp_user_timeout"]) == ("10", "30000")
        assert [given[f"keepalives_{n}"] for n in ("idle", "interval", "count")] == ["15", "5", "3"]


def test_an_audit_may_read_for_as_long_as_it_takes(url: str) -> None:
    with engine(url, read_only=True) as made:
        assert settings(made) == ["10s", "0", "0", "order-saga", "on"]


def test_the_url_says_otherwise(url: str) -> None:
    said = "&application_name=shop&connect_timeout=3&keepalives_idle=60&pool_size=2&max_overflow=1"
    with engine(f"{url}{said}&options=-c%20statement_timeout=5s") as made:
        assert settings(made) == ["10s", "5s", "30s", "shop", "off"]
        given = libpq(made)
        assert (given["connect_timeout"], given["keepalives_idle"]) == ("3", "60")
        assert connections(made) == (2, 1)


@pytest.mark.parametrize("wrong", ["pool_size=0", "max_overflow=-1", "pool_size=many"])
def test_a_size_of_the_pool_that_is_none_is_refused(url: str, wrong: str) -> None:
    with pytest.raises(LedgerUnavailable, match="in the URL must be"):
        open_ledger("payment", f"{url}&{wrong}", payment.TABLES)


def test_all_threads_can_have_a_connection_of_which_few_are_kept(url: str) -> None:
    with engine(url, threads=100) as made:
        assert connections(made) == (5, 95)
    with engine(url, threads=2) as made:
        assert connections(made) == (2, 0)


def connections(engine: Engine) -> tuple[int, int]:
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.size(), engine.pool._max_overflow


def test_who_gets_no_connection_is_told_so_in_one_line(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "WAIT_FOR_LOCK", 0)
    with (
        closing(open_ledger("payment", url, payment.TABLES, threads=1)) as ledger,
        ledger.transaction(),
        pytest.raises(LedgerUnavailable, match="payment ledger: QueuePool limit") as refused,
    ):
        ledger.transact(lambda tx: tx.execute(text("SELECT 1")))
    assert "\n" not in str(refused.value)


def test_statements_are_compiled_once_for_all_sqlite_ledgers(tmp_path: Path) -> None:
    compiled = []
    for shop in ("one", "another"):
        urls = {name: f"sqlite:///{tmp_path / shop / name}.db" for name in SERVICES}
        with closing(open_services(urls)):
            assert audit(urls).clean
        compiled.append(len(engines._compiled))
    assert compiled[0] == compiled[1] > 0
