"""Conflicts of transactions: run again if nothing can have stayed, else left to Temporal."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Barrier, Lock

import psycopg
import pytest
from sqlalchemy import Connection, event, select, text, update

from messages.payment import Payment
from services import payment
from services.fence import Fence
from services.ledger import Ledger, LedgerUnavailable, open_ledger
from services.payment import OPENING_CREDIT, credit
from tests.harness.builders import an_order, requests_for
from tests.harness.postgres import PostgresServer
from tests.harness.waiting import wait_until

OpenPayment = Callable[..., Ledger]


@pytest.fixture
def open_payment(postgres: PostgresServer) -> Iterator[OpenPayment]:
    """Opens the payment ledger on PostgreSQL, with settings of its sessions."""
    url = postgres.empty_database("payment")
    opened = []

    def open_with(**settings: str) -> Ledger:
        options = "%20".join(f"-c%20{name}={value}" for name, value in settings.items())
        ledger = open_ledger(
            "payment", f"{url}&options={options}", payment.TABLES, payment.open_balance
        )
        opened.append(ledger)
        return ledger

    yield open_with
    for ledger in opened:
        ledger.close()


@contextmanager
def another(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with postgres.connect("payment") as connection:
        yield connection


def give(tx: Connection, user: str) -> None:
    tx.execute(
        update(credit).where(credit.c.user_id == user).values(available=credit.c.available + 1)
    )


def given(ledger: Ledger) -> list[int]:
    """Return how much more each customer has than at the opening."""
    with ledger.transaction() as tx:
        rows = tx.execute(select(credit.c.available - credit.c.opening).order_by(credit.c.user_id))
        return list(rows.scalars())


def test_one_of_two_that_lock_each_other_out_is_run_again(open_payment: OpenPayment) -> None:
    ledger = open_payment(deadlock_timeout="20ms")
    both, runs, counting = Barrier(2), [], Lock()

    def work(users: list[str]) -> Callable[[Connection], None]:
        def give_to_both(tx: Connection) -> None:
            with counting:
                runs.append(users)
                first = len(runs) <= 2
            give(tx, users[0])
            if first:
                both.wait(60)
            give(tx, users[1])

        return give_to_both

    users = list(OPENING_CREDIT)
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(ledger.transact, [work(users), work(users[::-1])]):
            pass
    assert len(runs) == 3
    assert given(ledger) == [2, 2]


def test_charges_that_cannot_be_serialized_are_run_again(open_payment: OpenPayment) -> None:
    ledger = open_payment(default_transaction_isolation="serializable")
    start = Barrier(4)

    def charge(number: int) -> str:
        request = requests_for(an_order(f"order_{number}")).payment
        start.wait(60)
        answer = Payment(transaction_id=f"txn_{number}")
        return Fence(ledger).act(request, answer, payment._charge).transaction_id

    with ThreadPoolExecutor(4) as pool:
        for turn in range(3):
            numbers = range(4 * turn, 4 * turn + 4)
            assert list(pool.map(charge, numbers)) == [f"txn_{number}" for number in numbers]


def test_a_conflict_that_never_ends_is_left_to_temporal(
    open_payment: OpenPayment, postgres: PostgresServer
) -> None:
    ledger = open_payment(default_transaction_isolation="repeatable\\ read")
    runs = 0

    def always_too_late(tx: Connection) -> None:
        nonlocal runs
        runs += 1
        tx.execute(select(credit)).all()
        with another(postgres) as connection:
            connection.execute("UPDATE credit SET available = available + 1")
        give(tx, "user_broke")

    with pytest.raises(LedgerUnavailable, match="could not serialize access") as failed:
        ledger.transact(always_too_late)
    assert "\n" not in str(failed.value)
    assert runs == 6
    assert given(ledger) == [6, 6]


@pytest.mark.parametrize("limit", ["statement_timeout", "lock_timeout"])
def test_who_waits_too_long_for_a_locked_row_gives_up_and_succeeds_the_next_time(
    open_payment: OpenPayment, postgres: PostgresServer, limit: str
) -> None:
    ledger = open_payment(**{limit: "100ms"})
    runs = 0

    def give_once(tx: Connection) -> None:
        nonlocal runs
        runs += 1
        give(tx, "user_broke")

    with another(postgres) as connection, connection.transaction():
        connection.execute("SELECT FROM credit FOR UPDATE")
        with pytest.raises(LedgerUnavailable, match=limit.replace("_", " ")):
            ledger.transact(give_once)
        assert runs == 1
    ledger.transact(give_once)
    assert given(ledger) == [1, 0]


def test_a_transaction_whose_connection_is_gone_is_not_run_again(
    open_payment: OpenPayment, postgres: PostgresServer
) -> None:
    """It may have been committed."""
    ledger = open_payment()
    runs = 0

    def cut_off(tx: Connection) -> None:
        nonlocal runs
        runs += 1
        pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        give(tx, "user_broke")
        with another(postgres) as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])

    with pytest.raises(LedgerUnavailable):
        ledger.transact(cut_off)
    assert runs == 1
    assert given(ledger) == [0, 0]


def test_a_transaction_that_does_nothing_for_long_keeps_no_row(
    open_payment: OpenPayment, postgres: PostgresServer
) -> None:
    ledger = open_payment()

    def hang(tx: Connection) -> None:
        pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        give(tx, "user_broke")
        # Not for the whole ledger, since a busy machine lets every transaction wait for as long.
        tx.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        with another(postgres) as connection:
            running = "SELECT FROM pg_stat_activity WHERE pid = %s"
            wait_until(lambda: not connection.execute(running, [pid]).rowcount, "the end of it")
        give(tx, "user_limited")

    with pytest.raises(LedgerUnavailable):
        ledger.transact(hang)
    assert given(ledger) == [0, 0]


def test_what_sqlite_refuses_at_once_is_run_again(tmp_path: Path) -> None:
    file = tmp_path / "payment.db"
    with (
        closing(
            open_ledger("payment", f"sqlite:///{file}", payment.TABLES, payment.open_balance)
        ) as ledger,
        closing(sqlite3.connect(file, isolation_level=None)) as writer,
    ):
        with ledger.transaction() as tx:
            tx.exec_driver_sql("PRAGMA busy_timeout = 0")
        refused = []

        @event.listens_for(ledger._engine, "handle_error")
        def _refused(_context: object) -> None:
            refused.append(True)
            writer.rollback()

        writer.execute("BEGIN IMMEDIATE")
        ledger.transact(lambda tx: give(tx, "user_broke"))
        assert len(refused) == 1
        assert given(ledger) == [1, 0]
