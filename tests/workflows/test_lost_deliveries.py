"""No order waits for a message whose carrier is gone: it begins the delivery anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from messages.participants import STEPS
from messages.sagas import SagaRolledBack, SagaStatus, SagaSucceeded, StepState
from tests.harness.builders import an_order
from tests.workflows.conftest import ChoreographyHandle, OpenShop, Shop, until
from tests.workflows.deliveries import (
    ACTIONS,
    BACKWARD,
    FORWARD,
    UNDOS,
    DeliveryHandle,
    decide,
    delivery,
    description,
    until_listed,
    until_parked,
)
from tests.workflows.reconciling import delete
from workflows import policies
from workflows.choreography.delivery import EventDelivery

each_service = pytest.mark.parametrize("service", ACTIONS)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "FOLLOW_UP_AFTER", timedelta(seconds=1))
    monkeypatch.setattr(policies, "FOLLOW_UP_AT_LEAST_EVERY", timedelta(seconds=2))


def broken(operation: str, times: int = 1) -> dict[str, object]:
    return {"operations": [operation], "kind": "permanent", "count": times}


async def terminated(shop: Shop, letter: DeliveryHandle) -> None:
    await letter.terminate("test")


async def deleted(shop: Shop, letter: DeliveryHandle) -> None:
    run = shop.env.client.get_workflow_handle_for(
        EventDelivery.run, letter.id, run_id=await run_of(letter)
    )
    await run.terminate("test")
    await delete(shop, run)


Lose = Callable[[Shop, DeliveryHandle], Awaitable[None]]
either_way = pytest.mark.parametrize("lose", [terminated, deleted])


async def run_of(letter: DeliveryHandle) -> str | None:
    found = await description(letter)
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
    async with open_shop(broken(UNDOS[service])) as shop:
        handle = await shop.create(order)
        letter = delivery(shop, handle, BACKWARD[service])
        await until_parked(letter)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await lose(shop, letter)
        result = await shop.outcome(handle)
        assert isinstance(result, SagaRolledBack)
        assert set(result.compensated_steps) == set(STEPS[:-1])
        assert shop.standing(order) == []


@either_way
@each_service
async def test_an_order_whose_forward_delivery_is_lost_goes_on(
    open_shop: OpenShop, service: str, lose: Lose
) -> None:
    order = an_order()
    async with open_shop(broken(ACTIONS[service])) as shop:
        handle = await shop.create(order)
        letter = delivery(shop, handle, FORWARD[service])
        await until_parked(letter)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await lose(shop, letter)
        assert isinstance(await shop.outcome(handle), SagaSucceeded)
        assert shop.standing(order) == list(STEPS)
        assert shop.effects(order) == 4


async def test_one_that_is_parked_anew_is_shown_and_decided_on_like_the_first(
    open_shop: OpenShop,
) -> None:
    order = an_order(user_id="user_closed")
    async with open_shop(broken("refund_payment", times=2)) as shop:
        handle = await shop.create(order)
        letter = delivery(shop, handle, BACKWARD["payment"])
        await until_parked(letter)
        first = await run_of(letter)
        await letter.terminate()
        await until_begun_anew(letter, first)
        await until_parked(letter)
        await until_listed(shop, letter)
        await shop.until_step(handle, "process_payment", StepState.NEEDS_INTERVENTION)
        await decide(letter, "discard", "letter 4711")
        result = await shop.outcome(handle)
        assert isinstance(result, SagaRolledBack)
        assert result.resolved_manually == ("process_payment",)


async def test_the_step_is_no_longer_parked_once_its_delivery_is_begun_anew(
    open_shop: OpenShop,
) -> None:
    order = an_order(user_id="user_closed")
    down = {"operations": ["refund_payment"], "kind": "transient", "count": 100}
    async with open_shop(broken("refund_payment"), down) as shop:
        handle = await shop.create(order)
        letter = delivery(shop, handle, BACKWARD["payment"])
        await until_parked(letter)
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
    async with open_shop(broken("refund_payment")) as shop:
        handle = await shop.create(order)
        letter = delivery(shop, handle, BACKWARD["payment"])
        await until_parked(letter)
        first = await run_of(letter)
        await until_looked(handle, times=2)
        assert await run_of(letter) == first
        assert (await shop.status(handle)).status is SagaStatus.NEEDS_INTERVENTION
        await until_listed(shop, letter)
        await decide(letter, "replay")
        assert isinstance(await shop.outcome(handle), SagaRolledBack)
        assert shop.standing(order) == []


async def until_looked(handle: ChoreographyHandle, times: int) -> None:
    async def looked() -> bool:
        events = (await handle.fetch_history()).events
        names = [e.activity_task_scheduled_event_attributes.activity_type.name for e in events]
        done = [e for e in events if e.HasField("activity_task_completed_event_attributes")]
        return names.count("look_at_deliveries") == len(done) and len(done) >= times

    await until(looked)


async def test_nothing_is_begun_any_more_for_an_order_that_is_closed(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop({**broken("process_payment"), "orders": [order.order_id]}) as shop:
        handle = await shop.create(order)
        letter = delivery(shop, handle, FORWARD["payment"])
        await until_parked(letter)
        await handle.execute_update("cancel_order", {})
        assert isinstance(await shop.outcome(handle), SagaRolledBack)
        await letter.terminate()
        assert isinstance(await shop.outcome(await shop.create(an_order())), SagaSucceeded)
        assert (await letter.describe()).status is WorkflowExecutionStatus.TERMINATED
