"""No order waits for a message whose carrier is gone: it begins the delivery anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from temporalio.client import WorkflowExecutionStatus

from cli.modes import Mode
from messages.sagas import SagaStatus, StepState
from tests.harness.builders import an_order
from tests.harness.deliveries import (
    BACKWARD,
    FORWARD,
    DeliveryHandle,
    decide,
    until_listed,
    until_parked,
)
from tests.harness.faults import REFUND_FAILS_ONCE, permanent, transient
from tests.harness.opening import OpenShop
from tests.harness.placing import with_dead_letter
from tests.harness.policies import ChangePolicies
from tests.harness.runs import describe
from tests.harness.shop import Handle, Shop
from tests.harness.steps import ACTIONS, STEPS, UNDOS
from tests.harness.waiting import until
from workflows.choreography.delivery import EventDelivery


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


each_service = pytest.mark.parametrize("service", ACTIONS)


@pytest.fixture(autouse=True)
def orders_follow_up_soon(policies_with: ChangePolicies) -> None:
    policies_with(follow_up=1, follow_up_every=2)


async def terminated(shop: Shop, letter: DeliveryHandle) -> None:
    await letter.terminate("test")


async def deleted(shop: Shop, letter: DeliveryHandle) -> None:
    run = shop.client.get_workflow_handle_for(
        EventDelivery.run, letter.id, run_id=await run_of(letter)
    )
    await run.terminate("test")
    await shop.delete(run)


Lose = Callable[[Shop, DeliveryHandle], Awaitable[None]]
either_way = pytest.mark.parametrize("lose", [terminated, deleted])


async def run_of(letter: DeliveryHandle) -> str | None:
    found = await describe(letter)
    return found.run_id if found else None


async def until_begun_anew(letter: DeliveryHandle, last: str | None) -> None:
    async def begun() -> bool:
        return await run_of(letter) not in (None, last)

    await until(begun)


@either_way
@each_service
async def test_an_undoing_whose_delivery_is_lost_is_done_all_the_same(
    open_shop: OpenShop, service: str, lose: Lose
) -> None:
    order = an_order(user_id="user_closed")
    async with open_shop(permanent(UNDOS[service], times=1)) as shop:
        handle, letter = await with_dead_letter(shop, order, BACKWARD[service])
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await lose(shop, letter)
        result = await shop.rolls_back(handle)
        assert set(result.compensated_steps) == set(STEPS[:-1])
        assert shop.standing(order) == []


@either_way
@each_service
async def test_an_order_whose_forward_delivery_is_lost_goes_on(
    open_shop: OpenShop, service: str, lose: Lose
) -> None:
    order = an_order()
    async with open_shop(permanent(ACTIONS[service], times=1)) as shop:
        handle, letter = await with_dead_letter(shop, order, FORWARD[service])
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await lose(shop, letter)
        await shop.succeeds(handle)
        assert shop.standing(order) == STEPS
        assert shop.effects(order) == 4


async def test_one_that_is_parked_anew_is_shown_and_decided_on_like_the_first(
    open_shop: OpenShop,
) -> None:
    order = an_order(user_id="user_closed")
    async with open_shop(permanent("refund_payment", times=2)) as shop:
        handle, letter = await with_dead_letter(shop, order, BACKWARD["payment"])
        first = await run_of(letter)
        await letter.terminate()
        await until_begun_anew(letter, first)
        await until_parked(letter)
        await until_listed(shop, letter)
        await shop.until_step(handle, "process_payment", StepState.NEEDS_INTERVENTION)
        await decide(letter, "discard", "letter 4711")
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == ("process_payment",)


async def test_the_step_is_no_longer_parked_once_its_delivery_is_begun_anew(
    open_shop: OpenShop,
) -> None:
    order = an_order(user_id="user_closed")
    down = transient("refund_payment", times=100)
    async with open_shop(REFUND_FAILS_ONCE, down) as shop:
        handle, letter = await with_dead_letter(shop, order, BACKWARD["payment"])
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await letter.terminate()
        await shop.until_step(handle, "process_payment", StepState.COMPENSATING)
        await shop.until_status(handle, SagaStatus.COMPENSATING)
        await letter.cancel()
        await until_parked(letter)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await decide(letter, "discard")
        await shop.outcome(handle)


async def test_one_that_is_parked_is_left_alone(open_shop: OpenShop) -> None:
    order = an_order(user_id="user_closed")
    async with open_shop(REFUND_FAILS_ONCE) as shop:
        handle, letter = await with_dead_letter(shop, order, BACKWARD["payment"])
        first = await run_of(letter)
        await until_looked(handle, times=2)
        assert await run_of(letter) == first
        assert (await shop.status(handle)).status is SagaStatus.NEEDS_INTERVENTION
        await until_listed(shop, letter)
        await decide(letter, "replay")
        await shop.rolls_back(handle)
        assert shop.standing(order) == []


async def until_looked(handle: Handle, times: int) -> None:
    async def looked() -> bool:
        events = (await handle.fetch_history()).events
        asked = {
            e.event_id
            for e in events
            if e.activity_task_scheduled_event_attributes.activity_type.name == "deliver_again"
        }
        done = [
            e.activity_task_completed_event_attributes.scheduled_event_id in asked for e in events
        ]
        return done.count(True) >= times

    await until(looked)


async def test_nothing_is_begun_any_more_for_an_order_that_is_closed(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(permanent("process_payment", times=1, orders=order.order_id)) as shop:
        handle, letter = await with_dead_letter(shop, order, FORWARD["payment"])
        await handle.execute_update("cancel_order", {})
        await shop.rolls_back(handle)
        await letter.terminate()
        await shop.succeeds(await shop.place(an_order()))
        assert (await letter.describe()).status is WorkflowExecutionStatus.TERMINATED
