"""Ledgers of an older format are carried over, with all that they hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from messages.failures import OperationReversed, OrderAlreadyPlaced
from messages.runs import RunRef
from services.audit import audit
from services.ledger import LedgerUnavailable
from services.mock import open_services
from tests.harness.builders import an_order, requests_for
from tests.harness.postgres import PostgresServer
from tests.harness.steps import SERVICES

_FORMAT_1 = Path(__file__).with_name("format_1")
#: A number that the database gives is one thing in SQLite and another one in PostgreSQL, and
#: so is a boolean.
_DIALECT = {
    "BEGIN TRANSACTION;": "BEGIN;",
    "id INTEGER NOT NULL": "id BIGSERIAL",
    "VALUES('user_closed',1,": "VALUES('user_closed',true,",
    "VALUES('user_789',0,": "VALUES('user_789',false,",
}
_RUN = "00000000-0000-4000-8000-00000000000{}"


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Ledgers as format 1 left them: orders that stand, are undone, kept out, half done, twice."""
    if request.param == "sqlite":
        return {name: _sqlite(name, tmp_path) for name in SERVICES}
    server: PostgresServer = request.getfixturevalue("postgres")
    return {name: _postgresql(name, server) for name in SERVICES}


def _script(name: str) -> str:
    return (_FORMAT_1 / f"{name}.sql").read_text(encoding="utf-8")


def _sqlite(name: str, folder: Path) -> str:
    with closing(sqlite3.connect(folder / f"{name}.db")) as connection:
        connection.executescript(_script(name))
    return f"sqlite:///{folder / name}.db"


def _postgresql(name: str, server: PostgresServer) -> str:
    url = server.empty_database(name)
    script = _script(name)
    for sqlite, postgresql in _DIALECT.items():
        script = script.replace(sqlite, postgresql)
    with server.connect(name) as connection:
        connection.execute(script.encode())
        if name != "fence":
            connection.execute("SELECT setval('journal_id_seq', (SELECT max(id) + 1 FROM journal))")
    return url


def test_everything_is_as_it_was(old: dict[str, str]) -> None:
    with closing(open_services(old)):
        pass
    report = audit(old)
    assert (report.succeeded, report.rolled_back) == (3, 2)
    problems = sorted(str(violation) for violation in report.violations)
    assert [p for p in problems if "order_half" in p and "stands" in p]
    twice = [p for p in problems if "order_twice stands 2 times" in p]
    assert len(twice) == len(SERVICES)
    assert len(problems) == 1 + len(twice)


def test_what_was_decided_stays_decided(old: dict[str, str]) -> None:
    with closing(open_services(old)) as services:
        stands = requests_for(an_order("order_stands"), _RUN.format(1))
        again = requests_for(an_order("order_stands"), "another run")
        assert services.payment.charge(stands.payment).transaction_id
        with pytest.raises(OrderAlreadyPlaced):
            services.payment.charge(again.payment)
        kept_out = requests_for(an_order("order_kept_out"), _RUN.format(3))
        with pytest.raises(OperationReversed):
            services.payment.charge(kept_out.payment)
        half = requests_for(an_order("order_half"), _RUN.format(4))
        assert services.payment.refund(half.payment).had_effect


def test_what_stood_twice_can_be_undone_one_by_one(old: dict[str, str]) -> None:
    with closing(open_services(old)) as services:
        for run in (5, 6):
            requests = requests_for(an_order("order_twice"), _RUN.format(run))
            assert services.payment.refund(requests.payment).had_effect


def test_what_it_holds_is_looked_at_and_proves_nothing_about_the_time_before(
    old: dict[str, str],
) -> None:
    with closing(open_services(old)) as services:
        records = services.records("payment")
        half = RunRef("order_saga_order_half", _RUN.format(4))
        assert half in records.unsettled("").runs
        [operation] = records.operations([half.run_id])
        assert records.identity().proves_seconds < operation.age_seconds


def test_it_is_carried_over_once(old: dict[str, str]) -> None:
    for _ in range(2):
        with closing(open_services(old)):
            pass
    with closing(open_services(old)) as services:
        assert len(services.records("payment").unsettled("").runs) == 4


def test_who_only_reads_is_told_what_carries_it_over(old: dict[str, str]) -> None:
    with pytest.raises(LedgerUnavailable, match=r"format 1.*a worker carries it over"):
        audit(old)
