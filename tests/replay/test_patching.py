"""The recipe of docs/changing-workflows.md: one code for the orders that run and for new ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.workflow import NondeterminismError

from messages.sagas import ResolveCompensation, SagaRolledBack, SagaStatus, SagaSucceeded
from tests.harness.builders import an_order
from tests.harness.executions import scheduled
from tests.replay.fraud_check import FraudActivities, Patched, PatchedForGood, Unpatched
from tests.replay.histories import FOLDER, read
from tests.replay.replaying import replayer
from tests.replay.studio import REFUND_FAILS_ONCE, SHIPPING_REFUSED
from tests.workflows.conftest import Shop, a_shop
from worker import worker_config
from workflows.orchestration.order_saga import STEPS, OrderSaga

#: Every kind of order that was begun before the change.
BEGUN_BEFORE = sorted(FOLDER.glob("OrderSaga/*.json"))

RETRY = ResolveCompensation(
    step="process_payment", action="retry", operator="ada", note="bank is up"
)


@asynccontextmanager
async def running(shop: Shop, saga: type) -> AsyncIterator[None]:
    """The product's worker with another saga, and the service that it asks."""
    config = worker_config(shop.env.client, shop.services, shop.settings)
    config["workflows"] = [saga]
    # Each task replays the run from its beginning, and nobody waits for a worker that is gone.
    config["max_cached_workflows"] = 0
    fraud = FraudActivities()
    config["activities"] = [*config["activities"], fraud.check_fraud, fraud.forget_check]
    async with Worker(**config):
        yield


async def test_old_orders_take_the_old_way_and_new_ones_the_new_way(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    old_way = [step.name for step in STEPS]
    old, new = an_order(), an_order()
    faults = [
        {**fault, "orders": [old.order_id]} for fault in (SHIPPING_REFUSED, REFUND_FAILS_ONCE)
    ]
    async with a_shop(env, tmp_path, *faults, worker=False) as shop:
        async with running(shop, OrderSaga):
            order = await shop.start(old)
            await shop.until_status(order, SagaStatus.NEEDS_INTERVENTION)
        async with running(shop, Patched):
            begun_later = await shop.start(new)
            assert isinstance(await shop.outcome(begun_later), SagaSucceeded)
            assert await scheduled(begun_later) == ["check_fraud", *old_way]

            await order.execute_update(OrderSaga.resolve_compensation, RETRY)
            assert isinstance(await shop.outcome(order), SagaRolledBack)
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
        a_shop(env, tmp_path, SHIPPING_REFUSED, worker=False) as shop,
        running(shop, Patched),
    ):
        order = await shop.start(an_order())
        assert isinstance(await shop.outcome(order), SagaRolledBack)
        with_patch = await order.fetch_history()
    assert (await scheduled(order))[-1] == "forget_check"
    await _goes_on(with_patch, Patched)
    await _goes_on(with_patch, PatchedForGood)
    with pytest.raises(NondeterminismError):
        await _goes_on(read(FOLDER / "OrderSaga" / "parked.1.json"), PatchedForGood)


async def _goes_on(history: WorkflowHistory, saga: type) -> None:
    await replayer(saga).replay_workflow(history)
