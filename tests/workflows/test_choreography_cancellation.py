"""A cancel of a choreographed order, at any instant and by either way, is honoured completely."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from temporalio.client import (
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy

from messages.events.loyalty import LoyaltyPointsAwarded
from messages.ids import order_choreography_id
from messages.participants import STEPS
from messages.sagas import CancelOrder, SagaRolledBack, SagaStatus, SagaSucceeded, StepState
from tests.harness.builders import an_order
from tests.harness.events import enveloped, told
from tests.workflows.conftest import ChoreographyHandle, OpenShop, Policies, Shop
from tests.workflows.deliveries import (
    ACTIONS,
    BACKWARD,
    FORWARD,
    UNDOS,
    decide,
    delivery,
    until_begun,
    until_parked,
    until_reacting,
    until_retrying,
)
from workflows.choreography.order_choreography import OrderChoreography

HOURS = 3600.0

Cancel = Callable[[ChoreographyHandle], Awaitable[object]]


async def by_update(handle: ChoreographyHandle) -> None:
    await handle.execute_update(
        OrderChoreography.cancel_order, CancelOrder(reason="changed my mind")
    )


async def natively(handle: ChoreographyHandle) -> None:
    await handle.cancel()


each_service = pytest.mark.parametrize("service", ACTIONS)
both_ways = pytest.mark.parametrize("cancel", [by_update, natively])
each_service_either_way = pytest.mark.parametrize(
    ("service", "cancel"), list(zip(ACTIONS, [by_update, natively] * 2, strict=True))
)


def up_to(service: str) -> set[str]:
    return set(STEPS[: STEPS.index(ACTIONS[service]) + 1])


def slow(operation: str, seconds: float = 0.4) -> dict[str, object]:
    return {"operations": [operation], "kind": "delay", "seconds": seconds, "rate": 1.0}


async def assert_cancelled(
    shop: Shop, handle: ChoreographyHandle, cancel: Cancel
) -> SagaRolledBack:
    """The order ended as cancelled, in the way that fits how it was cancelled."""
    result = await shop.outcome(handle)
    assert isinstance(result, SagaRolledBack)
    assert result.status == "CANCELLED"
    closed = await shop.closed_as(handle)
    if cancel is natively:
        assert closed is WorkflowExecutionStatus.CANCELED
    else:
        assert closed is WorkflowExecutionStatus.FAILED
        assert result.error == "changed my mind"
    assert (await shop.status(handle)).status is SagaStatus.CANCELLED
    await shop.until_listed_as(handle, SagaStatus.CANCELLED)
    return result


@both_ways
@each_service
async def test_while_a_service_reacts_its_effect_is_undone_with_the_others(
    open_shop: OpenShop, service: str, cancel: Cancel
) -> None:
    order = an_order()
    async with open_shop(slow(ACTIONS[service])) as shop:
        handle = await shop.create(order)
        await until_reacting(delivery(shop, handle, FORWARD[service]))
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert result.failed_step == ACTIONS[service]
        # What was under way is undone, or kept out if the undoing overtook it.
        assert up_to(service) - {ACTIONS[service]} <= set(result.compensated_steps)
        assert set(result.compensated_steps) <= up_to(service)
    assert shop.standing(order) == []


@each_service_either_way
async def test_while_a_service_fails_the_cancel_does_not_wait_for_its_next_attempt(
    open_shop: OpenShop, policies_with: Policies, service: str, cancel: Cancel
) -> None:
    policies_with(pause=5 * HOURS)
    order = an_order()
    lost = {"operations": [ACTIONS[service]], "kind": "lost_reply", "rate": 1.0}
    async with open_shop(lost) as shop:
        handle = await shop.create(order)
        retried = delivery(shop, handle, FORWARD[service])
        await until_retrying(retried)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert set(result.compensated_steps) == up_to(service)
        assert shop.standing(order) == []
        await retried.terminate()  # or it would go on for a day, to be told that it is too late


async def test_natively_before_the_order_was_told_to_anyone_nothing_stands(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop:
        handle = await shop.create(order)
        await handle.cancel()
        async with shop.new_worker():
            await assert_cancelled(shop, handle, natively)
            assert shop.standing(order) == []


async def test_by_update_before_the_order_was_told_to_anyone_nothing_stands(
    open_shop: OpenShop,
) -> None:
    """An Update that comes along with the start is delivered with the very first task."""
    order = an_order()
    async with open_shop() as shop:
        start = WithStartWorkflowOperation(
            OrderChoreography.run,
            order,
            id=order_choreography_id(order.order_id),
            task_queue=shop.settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        )
        await shop.env.client.execute_update_with_start_workflow(
            OrderChoreography.cancel_order,
            CancelOrder(reason="changed my mind"),
            start_workflow_operation=start,
        )
        await assert_cancelled(shop, await start.workflow_handle(), by_update)
        assert shop.standing(order) == []


@both_ways
async def test_while_no_service_has_heard_of_the_order_nothing_is_left_of_it(
    open_shop: OpenShop, cancel: Cancel
) -> None:
    """The services' workers are away: OrderCreated and OrderCancelled wait for them together.

    Some may act before they hear that the order was called off.
    """
    order = an_order()
    async with open_shop(worker=False) as shop:
        async with shop.deciding_worker():
            handle = await shop.create(order)
            await until_begun(delivery(shop, handle, FORWARD["inventory"]))
            await cancel(handle)
            await until_begun(delivery(shop, handle, BACKWARD["inventory"]))
        async with shop.new_worker():
            result = await assert_cancelled(shop, handle, cancel)
            assert result.failed_step == "reserve_inventory"
    assert shop.standing(order) == []


@both_ways
async def test_after_the_last_effect_and_before_the_order_hears_of_it_it_counts(
    open_shop: OpenShop, cancel: Cancel
) -> None:
    """The last event and the cancel reach the order in one go."""
    order = an_order()
    async with open_shop(slow(ACTIONS["loyalty"], 0.8), worker=False) as shop:
        async with shop.acting_worker():
            async with shop.deciding_worker():
                handle = await shop.create(order)
                await until_reacting(delivery(shop, handle, FORWARD["loyalty"]))
            # Nobody decides now. The effect stands, and the cancel is there before it is told.
            asked = asyncio.ensure_future(cancel(handle))
            await until_applied(shop, handle)
        async with shop.new_worker():
            await asked
            result = await assert_cancelled(shop, handle, cancel)
            assert set(result.compensated_steps) == set(STEPS)
            assert shop.standing(order) == []


async def until_applied(shop: Shop, handle: ChoreographyHandle) -> None:
    """Wait until the reaction of the last service is recorded as completed."""
    await shop.until_completed(delivery(shop, handle, FORWARD["loyalty"]), activities=1)


@both_ways
async def test_together_with_the_last_event_it_is_not_swallowed(
    open_shop: OpenShop, cancel: Cancel
) -> None:
    order = an_order()
    async with open_shop(slow(ACTIONS["loyalty"], 0.8), worker=False) as shop:
        async with shop.acting_worker():
            async with shop.deciding_worker():
                handle = await shop.create(order)
                await until_reacting(delivery(shop, handle, FORWARD["loyalty"]))
            asked = asyncio.ensure_future(cancel(handle))
            await until_applied(shop, handle)
            # As the delivery would tell it, while no worker decides.
            awarded = told(LoyaltyPointsAwarded, order, handle.first_execution_run_id or "")
            await handle.signal(OrderChoreography.receive_event, enveloped(awarded))
        async with shop.new_worker():
            await asked
            result = await assert_cancelled(shop, handle, cancel)
            assert set(result.compensated_steps) == set(STEPS)
            assert shop.standing(order) == []


@each_service_either_way
async def test_while_the_order_is_being_undone_it_changes_nothing(
    open_shop: OpenShop, service: str, cancel: Cancel
) -> None:
    order = an_order(user_id="user_closed")
    async with open_shop(slow(UNDOS[service])) as shop:
        handle = await shop.create(order)
        await until_reacting(delivery(shop, handle, BACKWARD[service]))
        if cancel is by_update:
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await by_update(handle)
            assert "too late to cancel" in str(refused.value.cause)
        else:
            await natively(handle)
        result = await shop.outcome(handle)
        assert isinstance(result, SagaRolledBack)
        assert (result.status, result.failed_step) == ("FAILED", "award_loyalty_points")
        assert set(result.compensated_steps) == set(STEPS[:-1])
        assert await shop.closed_as(handle) is WorkflowExecutionStatus.FAILED
        assert shop.standing(order) == []


async def test_while_an_operator_is_waited_for_it_changes_nothing(open_shop: OpenShop) -> None:
    order = an_order(user_id="user_closed")
    broken = {"operations": ["refund_payment"], "kind": "permanent", "count": 1}
    async with open_shop(broken) as shop:
        handle = await shop.create(order)
        letter = delivery(shop, handle, BACKWARD["payment"])
        await until_parked(letter)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await natively(handle)
        with pytest.raises(WorkflowUpdateFailedError):
            await by_update(handle)
        assert (await shop.status(handle)).status is SagaStatus.NEEDS_INTERVENTION
        await decide(letter, "replay")
        result = await shop.outcome(handle)
        assert isinstance(result, SagaRolledBack)
        assert result.status == "FAILED"
        assert shop.standing(order) == []


async def test_a_native_cancel_after_a_customers_cancel_stops_no_undoing(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(slow("prepare_shipping"), slow("refund_payment")) as shop:
        handle = await shop.create(order)
        await until_reacting(delivery(shop, handle, FORWARD["shipping"]))
        await by_update(handle)
        await until_reacting(delivery(shop, handle, BACKWARD["payment"]))
        await natively(handle)
        await assert_cancelled(shop, handle, by_update)
    assert shop.standing(order) == []


async def test_a_second_cancel_and_one_that_comes_too_late_are_refused(
    open_shop: OpenShop,
) -> None:
    order, finished = an_order(), an_order()
    async with open_shop(slow("refund_payment")) as shop:
        handle = await shop.create(order)
        await until_begun(delivery(shop, handle, FORWARD["payment"]))
        await by_update(handle)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await by_update(handle)
        assert "already turned back (changed my mind)" in str(refused.value.cause)
        await assert_cancelled(shop, handle, by_update)
        succeeded = await shop.create(finished)
        assert isinstance(await shop.outcome(succeeded), SagaSucceeded)
        with pytest.raises(Exception, match="already completed"):
            await by_update(succeeded)
        assert shop.standing(finished) == list(STEPS)


async def test_no_service_begins_after_a_cancel(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(slow("reserve_inventory")) as shop:
        handle = await shop.create(order)
        await until_reacting(delivery(shop, handle, FORWARD["inventory"]))
        await by_update(handle)
        await assert_cancelled(shop, handle, by_update)
        states = [step.state for step in (await shop.status(handle)).steps]
        assert states[0] in (StepState.COMPENSATED, StepState.PENDING)
        assert states[1:] == [StepState.PENDING] * 3
    assert shop.effects(order) <= 1
