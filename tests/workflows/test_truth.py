"""Promises 25 and 26: what Temporal forgets, or hears in two modes, moves no money."""

from __future__ import annotations

import pytest

from cli.modes import Mode
from messages.failures import OrderAlreadyPlaced
from messages.sagas import SagaRolledBack, SagaStatus
from services.audit import audit
from tests.harness.builders import an_order
from tests.harness.faults import (
    REFUND_FAILS_ONCE,
    SHIPPING_REFUSES,
    delay,
)
from tests.harness.opening import OpenShop
from tests.harness.placing import parked
from tests.harness.policies import ChangePolicies
from tests.harness.reconciling import assert_nothing_left
from tests.harness.runs import resolve
from tests.harness.steps import STEPS


@pytest.fixture
def soon_quiet(policies_with: ChangePolicies) -> None:
    """Services count as quiet at once."""
    policies_with(quiet=0)


@pytest.mark.usefixtures("soon_quiet")
async def test_what_was_settled_by_hand_is_not_refunded_once_temporal_has_forgotten(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_FAILS_ONCE) as shop:
        handle = await parked(shop, order)
        await resolve(handle, "mark_resolved")
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == ("process_payment",)
        await shop.delete(handle)
        await assert_nothing_left(shop)
        states = shop.states(order)
        assert states["process_payment"] == ["settled"]
        assert audit(shop.settings.ledger_urls(), {}).clean


async def test_the_run_closes_only_once_the_decision_is_in_the_ledger(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_FAILS_ONCE, worker=False) as shop:
        async with shop.worker():
            handle = await parked(shop, order)
        async with shop.deciding_worker():
            await resolve(handle, "mark_resolved")
            await shop.until_status(handle, SagaStatus.COMPENSATING)
            assert shop.states(order)["process_payment"] == ["applied"]
            assert (await handle.describe()).close_time is None
        async with shop.worker():
            await shop.outcome(handle)
        assert shop.states(order)["process_payment"] == ["settled"]


async def test_a_charge_that_lands_after_it_was_settled_by_hand_is_kept_out(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    policies_with(attempt=0.5, window=1)
    order = an_order()
    hangs = delay("process_payment", seconds=3)
    async with open_shop(hangs, REFUND_FAILS_ONCE) as shop:
        handle = await shop.place(order)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await resolve(handle, "mark_resolved")
        await shop.outcome(handle)
    # The worker has waited for the late charge.
    assert shop.standing(order) == []
    assert shop.effects(order) == 1


async def test_an_order_that_temporal_has_forgotten_is_not_charged_again(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop() as shop:
        first = await shop.place(order, skip_time=True)
        await shop.succeeds(first)
        await shop.delete(first)
        refused = await shop.outcome_of(order)
        assert isinstance(refused, SagaRolledBack)
        assert OrderAlreadyPlaced.__name__ in refused.error
        assert (first.first_execution_run_id or "no run") in refused.error
        assert shop.standing(order) == STEPS
        assert shop.effects(order) == len(STEPS)


async def test_an_order_in_both_modes_happens_once(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        led, told = await shop.place(order), await shop.place(order, Mode.CHOREOGRAPHY)
        ends = [await shop.outcome(led), await shop.outcome(told)]
        assert sorted(end.status for end in ends) == ["FAILED", "SUCCESS"]
        assert shop.standing(order) == STEPS
        assert shop.effects(order) == len(STEPS)
