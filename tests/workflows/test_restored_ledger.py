"""A ledger restored from a backup: what it has lost is in the inbox, and never refunded."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest
from temporalio.testing import WorkflowEnvironment

from messages.sagas import SagaStatus
from services import identity
from services.audit import audit
from services.mock import open_services
from tests.harness.builders import an_order
from tests.harness.ledgers import balances, standing_steps
from tests.harness.opening import a_shop
from tests.harness.policies import ChangePolicies
from tests.harness.postgres import PostgresServer
from tests.harness.reconciling import assert_nothing_left, leftover_of, reconcile
from tests.harness.runs import resolve
from tests.harness.steps import STEPS
from worker import worker_config

_KEPT = [step for step in STEPS if step != "process_payment"]


class PaymentLedger(Protocol):
    """The payment ledger, and a backup of it."""

    url: str

    def back_up(self) -> None:
        """Make the backup."""

    def restore(self) -> str:
        """Restore it in another place, and return its URL."""


class _OnSqlite:
    def __init__(self, folder: Path) -> None:
        self._file, self._backup = folder / "payment.db", folder / "backup.db"
        self.url = f"sqlite:///{self._file}"

    def back_up(self) -> None:
        with (
            closing(sqlite3.connect(self._file)) as ledger,
            closing(sqlite3.connect(self._backup)) as backup,
        ):
            ledger.backup(backup)

    def restore(self) -> str:
        return f"sqlite:///{self._backup}"


class _OnPostgres:
    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self._server, self._backup = server, folder / "payment.dump"
        self.url = server.empty_database("payment")

    def back_up(self) -> None:
        self._server.back_up("payment", self._backup)

    def restore(self) -> str:
        return self._server.restore(self._backup, "payment_restored")


@pytest.fixture(params=["sqlite", "postgresql"])
def payment(request: pytest.FixtureRequest, tmp_path: Path) -> PaymentLedger:
    """The payment ledger on each database."""
    if request.param == "sqlite":
        return _OnSqlite(tmp_path)
    return _OnPostgres(request.getfixturevalue("postgres"), tmp_path)


async def test_what_a_restored_ledger_has_lost_is_asked_about_and_not_refunded(
    env: WorkflowEnvironment,
    tmp_path: Path,
    payment: PaymentLedger,
    policies_with: ChangePolicies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policies_with(quiet=0)
    before, after, forgotten = (an_order() for _ in range(3))
    ledgers = {"payment": payment.url}
    async with a_shop(env, tmp_path / "data", worker=False, ledgers=ledgers) as shop:
        async with shop.worker():
            await shop.succeeds(await shop.place(before, skip_time=True))
            payment.back_up()
            handles = [await shop.place(order, skip_time=True) for order in (after, forgotten)]
            for handle in handles:
                await shop.succeeds(handle)
            await shop.delete(handles[1])
        # Nobody restores a backup within so few seconds.
        monkeypatch.setattr(identity, "SEEN_WITHIN", 0)
        restored = shop.settings.model_copy(update={"payment_url": payment.restore()})
        with closing(open_services(restored.ledger_urls())) as opened:
            async with shop.worker(config=worker_config(shop.client, opened, restored)):
                report = await reconcile(shop)
                assert report.undone == 0
                lost = {after.order_id, forgotten.order_id}
                assert {run.order_id for run in report.listed if run.unproved} == lost
                for handle in handles:
                    leftover = leftover_of(shop, handle)
                    await shop.until_listed_as(leftover, SagaStatus.NEEDS_INTERVENTION)
                    for step in _KEPT:
                        await resolve(leftover, "keep", step)
                    assert list((await leftover.result()).kept) == _KEPT
                await assert_nothing_left(shop)
        assert standing_steps(restored, before.order_id) == set(STEPS)
        for order in (after, forgotten):
            assert standing_steps(restored, order.order_id) == set(_KEPT)
        [money] = [b for b in audit(restored.ledger_urls()).services if b.unit == "money"]
        assert money.amount_standing == before.total_amount
        [account] = [
            b for b in balances("payment", restored.ledger_urls()["payment"]) if b.now != b.opening
        ]
        assert account.opening - account.now == before.total_amount * 100
