"""Runs that cannot undo anything any more: the reconciler does it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from messages.ids import order_saga_id
from messages.participants import STEP_OF
from messages.sagas import SagaStatus, StepState
from services.faults import Kind
from tests.harness.builders import an_order
from tests.harness.faults import (
    LAST_STEP_FAILS,
    REFUND_FAILS_ONCE,
    SHIPPING_IS_DOWN,
    delay,
    fault,
    permanent,
)
from tests.harness.opening import OpenShop
from tests.harness.placing import half_done, parked, until_stands
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_retrying, until_running
from tests.harness.reconciling import assert_nothing_left, leftover_of, reconcile
from tests.harness.runs import closed_as, resolve
from tests.harness.steps import COMPENSATION_OF, STEPS, before
from tests.harness.waiting import until

HOURS = 3600.0


each_step = pytest.mark.parametrize("step", STEPS)


@each_step
async def test_terminated_before_a_steps_effect_keeps_the_late_action_out(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop:
        late = shop.hold(order, step)
        async with shop.worker():
            handle = await shop.place(order)
            await late.until_reached()
            await shop.terminate(handle)
            report = await reconcile(shop)
            assert [run.saga_id for run in report.listed] == [handle.id]
            assert list(report.listed[0].undone) == before(step)[::-1]
            assert set(report.listed[0].kept_out) == set(STEPS) - set(before(step))
            assert shop.standing(order) == []
            await assert_nothing_left(shop)
        # The worker has let the late attempt go on, and waited for it.
        assert shop.standing(order) == []
        assert shop.effects(order) == len(before(step))


@each_step
async def test_terminated_after_a_steps_effect_whose_reply_is_on_its_way(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    slow = delay(step, seconds=1.0, when="after")
    async with open_shop(slow) as shop:
        handle = await shop.place(order)
        stand = STEPS[: STEPS.index(step) + 1]
        await until_stands(shop, order, *stand)
        await shop.terminate(handle)
        report = await reconcile(shop)
        assert list(report.listed[0].undone) == stand[::-1]
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


@each_step
@pytest.mark.parametrize("kind", ["transient", "lost_reply"])
async def test_terminated_while_a_step_waits_for_its_next_attempt(
    open_shop: OpenShop, policies_with: ChangePolicies, step: str, kind: Kind
) -> None:
    policies_with(pause=5 * HOURS, window=50 * HOURS)
    order = an_order(deadline_seconds=100 * 3600)
    async with open_shop(fault(kind, step)) as shop:
        handle = await shop.place(order)
        await until_retrying(handle, step)
        await shop.terminate(handle)
        assert (await reconcile(shop)).failed == 0
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_terminated_before_it_took_its_first_step(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order, skip_time=True)
        await shop.terminate(handle)
        async with shop.worker():
            report = await reconcile(shop)
            assert report.listed[0].undone == ()
            assert set(report.listed[0].kept_out) == set(STEPS)
            await assert_nothing_left(shop)


@each_step
async def test_terminated_while_a_step_is_being_undone(open_shop: OpenShop, step: str) -> None:
    order = an_order()
    slow = delay(COMPENSATION_OF[step], seconds=1.0)
    async with open_shop(LAST_STEP_FAILS, slow) as shop:
        handle = await shop.place(order)
        await until_running(handle, COMPENSATION_OF[step])
        await shop.terminate(handle)
        assert (await reconcile(shop)).failed == 0
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_a_run_that_timed_out(open_shop: OpenShop) -> None:
    order = an_order()
    slow = delay("prepare_shipping", seconds=3)
    async with open_shop(slow) as shop:
        handle = await shop.begin(
            "OrderSaga",
            order,
            workflow_id=order_saga_id(order.order_id),
            execution_timeout=timedelta(seconds=1),
        )

        async def timed_out() -> bool:
            return await closed_as(handle) is WorkflowExecutionStatus.TIMED_OUT

        await until(timed_out)
        # The slow effect may stand by now.
        assert (await reconcile(shop)).undone in (2, 3)
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_terminated_while_it_waits_for_an_operator(open_shop: OpenShop) -> None:
    order = an_order()
    broken = permanent("refund_payment", times=2)
    async with open_shop(LAST_STEP_FAILS, broken) as shop:
        handle = await parked(shop, order)
        await shop.terminate(handle)
        failing = await reconcile(shop)
        assert failing.failed == 1
        assert "PermanentFailure" in failing.listed[0].failed["process_payment"]
        assert shop.standing(order) == ["process_payment"]
        leftover = leftover_of(shop, handle)
        assert "leftover/" in (await reconcile(shop)).listed[0].failed["process_payment"]
        await resolve(leftover, "retry")
        assert (await leftover.result()).undone == ("process_payment",)
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


async def test_what_cannot_be_undone_is_parked_and_stops_nothing_else(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN, REFUND_FAILS_ONCE) as shop:
        handle = await half_done(shop, order)
        await shop.terminate(handle)
        report = await reconcile(shop)
        assert (report.orders, report.failed) == (1, 1)
        assert shop.standing(order) == ["process_payment"]
        leftover = leftover_of(shop, handle)
        await shop.until_listed_as(leftover, SagaStatus.NEEDS_INTERVENTION)
        await resolve(leftover, "mark_resolved")
        assert (await leftover.result()).resolved_manually == ("process_payment",)
        await assert_nothing_left(shop)


async def test_what_an_operator_undid_by_hand_is_not_undone_again(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(LAST_STEP_FAILS, REFUND_FAILS_ONCE) as shop:
        handle = await parked(shop, order)
        await resolve(handle, "mark_resolved")
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == ("process_payment",)
        await assert_nothing_left(shop)
        assert shop.standing(order) == []


async def test_what_an_operator_undid_by_hand_before_the_run_was_terminated(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    broken = [permanent(operation, times=1) for operation in ("refund_payment", "cancel_shipment")]
    async with open_shop(LAST_STEP_FAILS, *broken) as shop:
        handle = await shop.place(order, skip_time=True)
        for step in ("process_payment", "prepare_shipping"):
            await shop.until_step(handle, step, StepState.NEEDS_INTERVENTION)
        await resolve(handle, "mark_resolved")
        await shop.terminate(handle)
        report = await reconcile(shop)
        assert list(report.listed[0].undone) == ["prepare_shipping"]
        assert "reversed" not in shop.states(order)["process_payment"]
        await assert_nothing_left(shop)


def test_the_ledgers_steps_are_those_of_the_saga() -> None:
    assert list(STEP_OF.values()) == STEPS
