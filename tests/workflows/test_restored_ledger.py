"""A ledger restored from a backup: what it has lost is in the inbox, and never refunded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from messages.sagas import SagaStatus
from services.audit import audit
from services.mock import open_services
from tests.harness.backups import Backup
from tests.harness.builders import an_order
from tests.harness.ledgers import balances, standing_steps
from tests.harness.opening import a_shop
from tests.harness.policies import ChangePolicies
from tests.harness.reconciling import assert_nothing_left, leftover_of, reconcile
from tests.harness.runs import resolve
from tests.harness.steps import STEPS
from worker import worker_config

_KEPT = [step for step in STEPS if step != "process_payment"]


async def test_what_a_restored_ledger_has_lost_is_asked_about_and_not_refunded(
    env: WorkflowEnvironment,
    tmp_path: Path,
    ledgers: dict[str, str],
    back_up: Callable[[str], Backup],
    policies_with: ChangePolicies,
) -> None:
    policies_with(quiet=0)
    before, after, forgotten = (an_order() for _ in range(3))
    payment = {"payment": ledgers["payment"]}
    async with a_shop(env, tmp_path / "data", worker=False, ledgers=payment) as shop:
        async with shop.worker():
            await shop.succeeds(await shop.place(before, skip_time=True))
            backup = back_up(ledgers["payment"])
            handles = [await shop.place(order, skip_time=True) for order in (after, forgotten)]
            for handle in handles:
                await shop.succeeds(handle)
            await shop.delete(handles[1])
        restored = shop.settings.model_copy(update={"payment_url": backup.restore_elsewhere()})
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
                    assert set((await leftover.result()).kept) == set(_KEPT)
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
