"""Runs that were deleted: undone only once their services are quiet, and never when all stands."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from services.faults import FaultPlan
from services.mock import open_services
from tests.harness.builders import an_order
from tests.harness.faults import (
    SHIPPING_IS_DOWN,
    delay,
    transient,
)
from tests.harness.opening import OpenShop
from tests.harness.placing import half_done, until_stands
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_retrying
from tests.harness.reconciling import assert_nothing_left, begin, leftover_of, reconcile
from tests.harness.runs import resolve
from tests.harness.steps import STEPS
from tests.harness.waiting import until
from worker import worker_config


@pytest.fixture
def soon_quiet(policies_with: ChangePolicies) -> None:
    """Services count as quiet after a second."""
    policies_with(quiet=1)


@pytest.mark.usefixtures("soon_quiet")
async def test_a_deleted_run_that_was_half_done(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        handle = await half_done(shop, order)
        await shop.delete(handle)
        report = await reconcile(shop)
        assert [run.ended for run in report.listed] == ["gone"]
        assert list(report.listed[0].undone) == ["process_payment", "reserve_inventory"]
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_a_deleted_run_of_which_every_effect_stands(open_shop: OpenShop) -> None:
    order = an_order()
    last = delay(STEPS[-1], seconds=1, when="after")
    async with open_shop(last) as shop:
        handle = await shop.place(order)
        await until_stands(shop, order, *STEPS)
        await shop.delete(handle)
        await assert_nothing_left(shop)
        assert shop.standing(order) == STEPS


async def test_a_run_that_temporal_does_not_know_is_left_alone_until_it_is_quiet(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        handle = await half_done(shop, order)
        await shop.delete(handle)
        reconciler = await begin(shop)

        async def pauses() -> bool:
            events = (await reconciler.fetch_history()).events
            return any(e.HasField("timer_started_event_attributes") for e in events)

        await until(pauses)
        assert shop.standing(order) == ["reserve_inventory", "process_payment"]
        await reconciler.terminate()
        policies_with(quiet=1)
        assert (await reconcile(shop)).undone == 2


async def test_a_ledger_that_is_lost_while_the_order_is_under_way_is_no_evidence_either(
    open_shop: OpenShop, policies_with: ChangePolicies, tmp_path: Path
) -> None:
    """All that the ledgers still know of the order is younger than the loss."""
    policies_with(quiet=0)
    order = an_order()
    async with open_shop(transient("process_payment"), worker=False) as shop:
        async with shop.worker():
            handle = await shop.place(order)
            await until_retrying(handle, "process_payment")
        lost = shop.settings.model_copy(
            update={"inventory_url": f"sqlite:///{tmp_path / 'another.db'}"}
        )
        with closing(open_services(lost.ledger_urls(), FaultPlan())) as opened:
            async with shop.worker(config=worker_config(shop.client, opened, lost)):
                await shop.succeeds(handle)
                await shop.delete(handle)
                report = await reconcile(shop)
                assert [run.unproved for run in report.listed] == [True]
                leftover = leftover_of(shop, handle)
                for step in STEPS[1:]:
                    await resolve(leftover, "keep", step)
                await leftover.result()
        assert shop.standing(order) == STEPS
