"""First attempts of deliveries, which run inside a workflow task: nothing is lost with the task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from activities.deliveries import DeliveryActivities
from cli.modes import Mode
from messages.participants import BY_SERVICE
from messages.sagas import SagaStatus
from runs.carriers import TemporalCarriers
from services.faults import Fault
from tests.harness.builders import an_order
from tests.harness.cancelling import Cancel, assert_cancelled, by_update, natively
from tests.harness.deliveries import BACKWARD, FORWARD, decide, delivery, until_parked
from tests.harness.events import created, enveloped
from tests.harness.faults import delay, lost_reply, transient
from tests.harness.lost_tasks import LosesTasks
from tests.harness.opening import OpenShop
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_begun
from tests.harness.runs import (
    Run,
    attempts_at_once,
    came_with_the_answer,
    describe,
    first_run,
    reset,
    scheduled,
)
from tests.harness.shop import Handle, Shop
from tests.harness.steps import ACTIONS, STEPS
from tests.harness.waiting import until

HOUR = 3600

each_service = pytest.mark.parametrize("service", ACTIONS)

#: Troubles that the first attempt does not survive and the second one does.
PASSING: dict[str, Callable[[str], Fault]] = {
    "transient": lambda step: transient(step, times=1),
    "its reply lost": lambda step: lost_reply(step, times=1),
    "late": lambda step: delay(step, times=1, seconds=0.8),
}


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


async def lost_tasks(run: Run) -> int:
    events = (await run.fetch_history()).events
    return len([e for e in events if e.HasField("workflow_task_failed_event_attributes")])


def forward(service: str) -> str:
    return BY_SERVICE[service].reactions[0]


async def test_on_the_happy_path_everything_is_done_by_first_attempts(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        history = (await handle.fetch_history()).events
        assert attempts_at_once(history) == ["publishes OrderCreated", "lets late messages in"]
        assert await scheduled(handle) == []
        for service in ACTIONS:
            delivered = delivery(shop, handle, FORWARD[service])
            await delivered.result()
            events = (await delivered.fetch_history()).events
            assert attempts_at_once(events) == [f"{forward(service)}, first attempt"]
            assert len(events) == 6
            assert came_with_the_answer(events)


@each_service
@pytest.mark.parametrize("trouble", PASSING)
async def test_a_first_attempt_that_fails_is_followed_by_a_regular_activity(
    open_shop: OpenShop, policies_with: ChangePolicies, service: str, trouble: str
) -> None:
    policies_with(fast=0.3)
    order = an_order()
    async with open_shop(PASSING[trouble](ACTIONS[service])) as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        delivered = delivery(shop, handle, FORWARD[service])
        await delivered.result()
        # On a busy machine the publication that follows may be late as well.
        assert (await scheduled(delivered))[0] == forward(service)
        assert shop.standing(order) == STEPS
    assert shop.effects(order) == len(STEPS)


@each_service
async def test_a_delivery_that_is_cancelled_in_its_first_attempt_is_parked_and_has_one_effect(
    open_shop: OpenShop, policies_with: ChangePolicies, service: str
) -> None:
    """The server refuses the result of the task, since the run was cancelled meanwhile."""
    policies_with(fast=20)
    order = an_order()
    async with open_shop() as shop:
        gate = shop.hold(order, forward(service))
        handle = await shop.place(order)
        await gate.until_reached()
        letter = delivery(shop, handle, FORWARD[service])
        await natively(letter)
        gate.open.set()
        assert (await until_parked(letter)).error == "interrupted"
        await decide(letter, "replay")
        await shop.succeeds(handle)
        assert len((await letter.result()).emitted) == 1
        assert shop.standing(order) == STEPS
    assert shop.effects(order) == len(STEPS)


@each_service
async def test_a_delivery_that_is_terminated_in_its_first_attempt_has_one_effect(
    open_shop: OpenShop, policies_with: ChangePolicies, service: str
) -> None:
    policies_with(fast=20, follow_up=1, follow_up_every=1)
    order = an_order()
    async with open_shop() as shop:
        gate = shop.hold(order, forward(service))
        handle = await shop.place(order)
        await gate.until_reached()
        letter = delivery(shop, handle, FORWARD[service])
        await letter.terminate()
        gate.open.set()
        await shop.succeeds(handle)
        assert shop.standing(order) == STEPS
    assert shop.effects(order) == len(STEPS)


@each_service
async def test_a_delivery_that_is_reset_to_its_beginning_has_one_effect(
    open_shop: OpenShop, service: str
) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        done = delivery(shop, handle, FORWARD[service])
        told = (await done.result()).emitted
        first = (await done.describe()).run_id
        again = await reset(shop.client, done.id, first)
        assert again != first
        assert (await done.result()).emitted == told
        assert shop.standing(order) == STEPS
    assert shop.effects(order) == len(STEPS)


@pytest.mark.parametrize("cancel", [by_update, natively])
async def test_an_order_that_is_cancelled_after_its_first_event_went_out_and_was_forgotten(
    open_shop: OpenShop, policies_with: ChangePolicies, cancel: Cancel
) -> None:
    """The task that published OrderCreated is lost. The next one hears of the cancel first."""
    policies_with(fast=20)
    order = an_order()
    losing = LosesTasks()
    async with open_shop(worker=False) as shop, shop.worker(interceptors=[losing]):
        losing.after("publish", times=1)
        gate = shop.hold(order, "publish")
        handle = await shop.place(order)
        await gate.until_reached()
        cancelling = asyncio.ensure_future(cancel(handle))
        gate.open.set()
        await cancelling
        await assert_cancelled(shop, handle, cancel)
        assert await lost_tasks(handle) == 1
        for service in ACTIONS:
            undone = await delivery(shop, handle, BACKWARD[service]).result()
            assert len(undone.emitted) == 1
        await until_begun(delivery(shop, handle, FORWARD["inventory"]))
        assert shop.standing(order) == []


async def test_an_order_is_not_called_off_by_a_task_that_is_lost(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    """The deadline passes while the last event is on its way, and the task that notices is lost.

    If OrderCancelled were out by then, the next task would hear the last event first. The order
    would succeed while its services undo their steps.
    """
    policies_with(fast=20)
    order = an_order(deadline_seconds=3 * HOUR)
    losing = LosesTasks()
    async with open_shop(worker=False) as shop, shop.worker(interceptors=[losing]):
        last = shop.hold(order, forward("loyalty"))
        undoing = [shop.hold(order, BY_SERVICE[service].reactions[1]) for service in ACTIONS]
        handle = await shop.place(order)
        await last.until_reached()
        publishing = shop.hold(order, "publish")
        losing.after("publish", times=1)
        passing = asyncio.ensure_future(shop.env.fast_forward(handle, 3 * HOUR))
        await publishing.until_reached()
        last.open.set()
        await delivery(shop, handle, FORWARD["loyalty"]).result()
        publishing.open.set()
        for gate in undoing:
            await gate.until_reached()
        await until(lambda: _has_turned(shop, handle))
        assert (await shop.status(handle)).status is SagaStatus.COMPENSATING
        for gate in undoing:
            gate.open.set()
        result = await shop.rolls_back(handle)
        passing.cancel()
        assert result.error.startswith("deadline passed")
        assert shop.standing(order) == []


async def _has_turned(shop: Shop, handle: Handle) -> bool:
    return (await shop.status(handle)).status is not SagaStatus.RUNNING


async def test_a_publication_that_is_cut_off_goes_on_until_the_server_has_answered(
    open_shop: OpenShop,
) -> None:
    """The answer to the start of a delivery may contain its first task, which must not be lost."""
    order = an_order()
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order)
        carriers = TemporalCarriers(shop.client, shop.settings.task_queue)
        activities = DeliveryActivities(carriers, {}, ThreadPoolExecutor())
        event = enveloped(created(order, first_run(handle)))
        publishing = asyncio.create_task(activities.publish([event]))
        await asyncio.sleep(0)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
        assert await describe(delivery(shop, handle, FORWARD["inventory"])) is not None
        async with shop.worker():
            await shop.succeeds(handle)
    assert shop.effects(order) == len(STEPS)
