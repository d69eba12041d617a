"""Each choreographed order ends: past its deadline it is called off, whoever is silent."""

from __future__ import annotations

import asyncio

import pytest

from cli.modes import Mode
from messages.events.order import OrderCreated
from messages.sagas import SagaRolledBack
from tests.harness.builders import an_order
from tests.harness.deliveries import BACKWARD, FORWARD, deliver, delivery
from tests.harness.events import enveloped, told
from tests.harness.faults import lost_reply, transient
from tests.harness.opening import OpenShop
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_begun, until_retrying
from tests.harness.runs import describe, first_run
from tests.harness.steps import ACTIONS, STEPS


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


HOUR = 3600


async def test_an_order_that_nobody_answers_is_called_off_at_its_deadline(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    policies_with(pause=100.0 * HOUR)
    order = an_order(deadline_seconds=3)  # long enough for the placing on a busy machine
    silent = lost_reply("reserve_inventory")
    async with open_shop(silent) as shop:
        handle = await shop.place(order)
        result = await shop.rolls_back(handle)
        assert (result.status, result.failed_step) == ("FAILED", "reserve_inventory")
        assert result.error == "deadline passed: nothing heard of reserve_inventory"
        view = await shop.status(handle)
        assert (view.deadline - view.started_at).total_seconds() == 3
        await delivery(shop, handle, FORWARD["inventory"]).terminate()
        assert shop.standing(order) == []


@pytest.mark.parametrize("service", list(ACTIONS)[1:])
async def test_past_its_deadline_the_order_is_called_off_wherever_it_stands(
    open_shop: OpenShop, policies_with: ChangePolicies, service: str
) -> None:
    policies_with(pause=100.0 * HOUR)
    order = an_order(deadline_seconds=3 * HOUR)
    silent = lost_reply(ACTIONS[service])
    async with open_shop(silent) as shop:
        handle = await shop.place(order)
        waiting = delivery(shop, handle, FORWARD[service])
        await until_retrying(waiting)
        result = await shop.outcome_after(handle, 3 * HOUR)
        assert isinstance(result, SagaRolledBack)
        assert (result.status, result.failed_step) == ("FAILED", ACTIONS[service])
        assert result.error == f"deadline passed: nothing heard of {ACTIONS[service]}"
        # The effect whose reply was lost is undone, too.
        assert set(result.compensated_steps) == set(STEPS[: STEPS.index(ACTIONS[service]) + 1])
        await waiting.terminate()
        assert shop.standing(order) == []


async def test_an_order_whose_services_are_all_away_ends_once_they_are_back(
    open_shop: OpenShop,
) -> None:
    order = an_order(deadline_seconds=1)
    async with open_shop(worker=False) as shop:
        async with shop.deciding_worker():
            handle = await shop.place(order)
            await until_begun(delivery(shop, handle, BACKWARD["loyalty"]))
        async with shop.worker():
            result = await shop.rolls_back(handle)
            assert result.error.startswith("deadline passed")
    assert shop.standing(order) == []


async def test_undoing_may_take_longer_than_the_deadline(open_shop: OpenShop) -> None:
    order = an_order(user_id="user_closed", deadline_seconds=1)
    outage = transient("refund_payment", times=5)
    async with open_shop(outage) as shop:
        handle = await shop.place(order)
        await shop.rolls_back(handle)
        view = await shop.status(handle)
        undone_at = max(step.ended_at for step in view.steps if step.ended_at is not None)
        assert undone_at > view.deadline
        assert shop.standing(order) == []


async def test_the_deadline_counts_from_the_placing_also_when_no_worker_was_there(
    open_shop: OpenShop,
) -> None:
    """Nobody is told of an order whose time was over before a worker took it up."""
    order = an_order(deadline_seconds=1)
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order)
        await asyncio.sleep(1.2)  # the time of the order itself
        async with shop.worker():
            result = await shop.rolls_back(handle)
            assert (result.status, result.failed_step) == ("FAILED", None)
            assert result.error == "deadline passed before reserve_inventory"
            assert await describe(delivery(shop, handle, FORWARD["inventory"])) is None
            view = await shop.status(handle)
            assert (view.deadline - view.started_at).total_seconds() == 1
            assert shop.standing(order) == []
            assert shop.effects(order) == 0


async def test_what_arrives_for_an_order_whose_deadline_had_passed_is_kept_out(
    open_shop: OpenShop,
) -> None:
    """Everybody is told that it is off, whoever else may have told them that it is on."""
    order = an_order(deadline_seconds=1)
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order)
        await asyncio.sleep(1.2)
        async with shop.worker():
            await shop.rolls_back(handle)
            event = enveloped(told(OrderCreated, order, first_run(handle)))
            late = await deliver(shop, event, "inventory")
            assert (await late.result()).emitted == ()
            assert shop.effects(order) == 0
