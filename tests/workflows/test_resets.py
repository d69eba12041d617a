"""Promise 31: a reset goes back over everything that an order may have done."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowExecutionStatus

from messages.sagas import SagaStatus
from tests.harness.builders import an_order
from tests.harness.faults import (
    REFUND_FAILS_ONCE,
    SHIPPING_REFUSES,
    permanent,
    transient,
)
from tests.harness.opening import OpenShop
from tests.harness.placing import half_done, parked
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_retrying
from tests.harness.reconciling import assert_nothing_left
from tests.harness.runs import closed_as, resolve
from tests.harness.steps import STEPS


@pytest.fixture
def soon_quiet(policies_with: ChangePolicies) -> None:
    """Services count as quiet at once."""
    policies_with(quiet=0)


async def test_a_parked_order_that_is_reset_is_really_undone(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_FAILS_ONCE) as shop:
        handle = await parked(shop, order)
        again = await shop.reset(handle)
        result = await shop.rolls_back(again)
        assert "process_payment" in result.compensated_steps
        assert shop.standing(order) == []


async def test_a_parked_order_that_is_reset_is_parked_again_when_its_undo_still_fails(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, permanent("refund_payment", times=2)) as shop:
        again = await shop.reset(await parked(shop, order))
        await shop.until_status(again, SagaStatus.NEEDS_INTERVENTION)
        assert shop.standing(order) == ["process_payment"]
        await resolve(again, "retry")
        await shop.outcome(again)
        assert shop.standing(order) == []


async def test_what_was_settled_by_hand_stays_so_when_the_order_is_reset(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_FAILS_ONCE) as shop:
        handle = await parked(shop, order)
        await resolve(handle, "mark_resolved")
        await shop.outcome(handle)
        again = await shop.reset(handle)
        result = await shop.rolls_back(again)
        assert "process_payment" in result.resolved_manually
        assert "reversed" not in shop.states(order)["process_payment"]


async def test_a_reset_order_does_not_succeed_on_what_its_earlier_life_has_undone(
    open_shop: OpenShop,
) -> None:
    """It is reset to where its history has the charge as done, and shipping is mended."""
    order = an_order()
    once = permanent("prepare_shipping", times=1, when="before")
    async with open_shop(once) as shop:
        handle = await shop.place(order, skip_time=True)
        await shop.rolls_back(handle)
        # The task that took the charge's reply, and began the shipment.
        again = await shop.reset(handle, 3)
        await shop.rolls_back(again)
        assert shop.standing(order) == []


@pytest.mark.usefixtures("soon_quiet")
@pytest.mark.parametrize("first_is_gone", [False, True])
async def test_an_order_that_was_reset_is_not_undone_when_its_end_is_gone(
    open_shop: OpenShop, first_is_gone: bool
) -> None:
    """It was terminated by the reset, which says nothing about its end."""
    order = an_order()
    for_a_while = transient("prepare_shipping", times=6)
    async with open_shop(for_a_while) as shop:
        first = await half_done(shop, order)
        second = await shop.reset(first)
        await until_retrying(second, "prepare_shipping")
        third = await shop.reset(second)
        await shop.succeeds(third)
        assert await closed_as(second) is WorkflowExecutionStatus.TERMINATED
        await shop.delete(third)
        if first_is_gone:
            await shop.delete(first)
        await assert_nothing_left(shop)
        assert shop.standing(order) == STEPS
