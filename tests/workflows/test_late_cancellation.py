"""A cancel that comes when an order has turned back, is finished or was cancelled before."""

from __future__ import annotations

import pytest
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
)

from cli.modes import Mode
from messages.sagas import SagaStatus
from tests.harness.builders import an_order
from tests.harness.cancelling import Cancel, assert_cancelled, assert_too_late, by_update, natively
from tests.harness.deliveries import (
    retry_refund,
    until_called,
)
from tests.harness.faults import (
    LAST_STEP_FAILS,
    REFUND_FAILS_ONCE,
    SHIPPING_REFUSES,
    delay,
)
from tests.harness.opening import OpenShop
from tests.harness.runs import closed_as
from tests.harness.steps import COMPENSATION_OF, STEPS

WAYS = (by_update, natively)


each_step = pytest.mark.parametrize("step", STEPS)


both_ways = pytest.mark.parametrize("cancel", WAYS)


both_modes = pytest.mark.parametrize("mode", Mode)


@both_ways
@each_step
async def test_during_compensation_it_changes_nothing(
    open_shop: OpenShop, step: str, cancel: Cancel
) -> None:
    order = an_order()
    undo = COMPENSATION_OF[step]
    async with open_shop(LAST_STEP_FAILS, delay(undo, seconds=0.5, times=1)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, undo)
        await assert_too_late(handle, cancel)
        result = await shop.rolls_back(handle)
        assert result.status == "FAILED"
        assert list(result.compensated_steps) == STEPS[::-1]
        assert await closed_as(handle) is WorkflowExecutionStatus.FAILED
        assert shop.standing(order) == []


@both_modes
async def test_a_native_cancel_after_a_customers_cancel_stops_no_compensation(
    open_shop: OpenShop, mode: Mode
) -> None:
    order = an_order()
    async with open_shop(delay("prepare_shipping", "refund_payment", seconds=0.5)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, "prepare_shipping")
        await by_update(handle)
        await until_called(shop, handle, "refund_payment")
        await natively(handle)
        await assert_cancelled(shop, handle, by_update)
    assert shop.standing(order) == []


@both_modes
async def test_while_an_operator_is_waited_for_it_changes_nothing(
    open_shop: OpenShop, mode: Mode
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_FAILS_ONCE) as shop:
        handle = await shop.place(order)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await natively(handle)
        with pytest.raises(WorkflowUpdateFailedError):
            await by_update(handle)
        assert (await shop.status(handle)).status is SagaStatus.NEEDS_INTERVENTION
        await retry_refund(shop, handle)
        assert (await shop.rolls_back(handle)).status == "FAILED"
        assert shop.standing(order) == []


@both_modes
async def test_a_customers_cancel_of_a_finished_order_is_refused(
    open_shop: OpenShop, mode: Mode
) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        with pytest.raises(Exception, match="already completed"):
            await by_update(handle)
        assert shop.standing(order) == STEPS


@both_modes
async def test_a_second_cancel_of_the_customer_is_refused(open_shop: OpenShop, mode: Mode) -> None:
    order = an_order()
    async with open_shop(delay("process_payment", "refund_payment", seconds=0.5)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, "process_payment")
        await by_update(handle)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await by_update(handle)
        assert "already turned back (changed my mind)" in str(refused.value.cause)
        await assert_cancelled(shop, handle, by_update)
