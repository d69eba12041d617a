"""The recipe of docs/changing-workflows.md: one code for the orders that run and for new ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.workflow import NondeterminismError

from messages.sagas import SagaStatus
from tests.harness.builders import an_order
from tests.harness.faults import REFUND_FAILS_ONCE, SHIPPING_REFUSES, only_for
from tests.harness.opening import a_shop
from tests.harness.runs import resolve, scheduled
from tests.harness.shop import Shop
from tests.replay.fraud_check import FraudActivities, Patched, PatchedForGood, Unpatched
from tests.replay.histories import FOLDER, read
from tests.replay.replaying import replayer
from worker import worker_config
from workflows.orchestration.order_saga import STEPS, OrderSaga

#: Every kind of order that was begun before the change.
BEGUN_BEFORE = sorted(FOLDER.glob("OrderSaga/*.json"))


def running(shop: Shop, saga: type) -> AbstractAsyncContextManager[Worker]:
    """Run the product's worker with another saga, and the service that it asks."""
    fraud = FraudActivities()
    ours = worker_config(shop.client, shop.services, shop.settings)["activities"]
    # Each task replays the run from its beginning, and nobody waits for a worker that is gone.
    return shop.worker(
        workflows=[saga],
        activities=[*ours, fraud.check_fraud, fraud.forget_check],
        max_cached_workflows=0,
    )


async def test_old_orders_take_the_old_way_and_new_ones_the_new_way(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    old_way = [step.name for step in STEPS]
    old, new = an_order(), an_order()
    faults = only_for(old.order_id, SHIPPING_REFUSES, REFUND_FAILS_ONCE)
    async with a_shop(env, tmp_path, *faults, worker=False) as shop:
        async with running(shop, OrderSaga):
            order = await shop.place(old, skip_time=True)
            await shop.until_status(order, SagaStatus.NEEDS_INTERVENTION)
        async with running(shop, Patched):
            begun_later = await shop.place(new, skip_time=True)
            await shop.succeeds(begun_later)
            assert await scheduled(begun_later) == ["check_fraud", *old_way]

            await resolve(order, "retry")
            await shop.rolls_back(order)
            assert (await scheduled(order))[:3] == old_way[:3]
            assert "forget_check" not in await scheduled(order)


async def test_whatever_was_begun_before_goes_on_with_the_patch() -> None:
    async def begun_before() -> AsyncIterator[WorkflowHistory]:
        for file in BEGUN_BEFORE:
            yield read(file)

    replayed = replayer(Patched).replay_workflows(begun_before(), raise_on_replay_failure=False)
    assert (await replayed).replay_failures == {}


@pytest.mark.parametrize("scenario", ["success", "parked", "cancelled_natively_between_attempts"])
async def test_without_the_patch_it_does_not(scenario: str) -> None:
    with pytest.raises(NondeterminismError):
        await replayer(Unpatched).replay_workflow(read(FOLDER / "OrderSaga" / f"{scenario}.1.json"))


async def test_the_condition_may_go_when_no_order_is_open_that_was_begun_without(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    async with (
        a_shop(env, tmp_path, SHIPPING_REFUSES, worker=False) as shop,
        running(shop, Patched),
    ):
        order = await shop.place(an_order(), skip_time=True)
        await shop.rolls_back(order)
        with_patch = await order.fetch_history()
    assert (await scheduled(order))[-1] == "forget_check"
    await _goes_on(with_patch, Patched)
    await _goes_on(with_patch, PatchedForGood)
    with pytest.raises(NondeterminismError):
        await _goes_on(read(FOLDER / "OrderSaga" / "parked.1.json"), PatchedForGood)


async def _goes_on(history: WorkflowHistory, saga: type) -> None:
    await replayer(saga).replay_workflow(history)
