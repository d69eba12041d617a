"""An event that cannot be delivered is parked, found, and decided on; nothing else waits for it."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError

from cli.modes import Mode
from messages.deliveries import DeliveryState
from messages.sagas import SagaRolledBack, SagaStatus, StepState
from tests.harness.builders import an_order
from tests.harness.deliveries import (
    BACKWARD,
    FORWARD,
    decide,
    delivery,
    until_listed,
    until_parked,
    view,
)
from tests.harness.faults import delay, lost_reply, permanent, transient
from tests.harness.opening import OpenShop
from tests.harness.placing import with_dead_letter
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_retrying, until_under_way
from tests.harness.steps import ACTIONS, STEPS, UNDOS


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


each_service = pytest.mark.parametrize("service", ACTIONS)


@each_service
async def test_a_forward_letter_holds_up_its_own_order_only_until_it_is_replayed(
    open_shop: OpenShop, service: str
) -> None:
    stuck, other = an_order("stuck_1"), an_order("other_1")
    async with open_shop(
        permanent(ACTIONS[service], orders="stuck*", when="after", times=1)
    ) as shop:
        handle = await shop.place(stuck)
        letter = delivery(shop, handle, FORWARD[service])
        parked = await until_parked(letter)
        assert parked.error == "internal error in the service (PermanentFailure)"
        assert parked.parked_since is not None
        await until_listed(shop, letter)
        await shop.until_step(handle, ACTIONS[service], StepState.NEEDS_INTERVENTION)
        assert (await shop.status(handle)).status is SagaStatus.NEEDS_INTERVENTION
        await shop.succeeds(await shop.place(other))

        decided = await decide(letter, "replay", "restarted the service")
        assert decided.state is DeliveryState.DELIVERING
        await shop.succeeds(handle)
        assert shop.standing(stuck) == STEPS
        assert shop.effects(stuck) == 4
        delivered = await view(letter)
        assert delivered.state is DeliveryState.DELIVERED
        assert [(d.action, d.operator, d.note) for d in delivered.decisions] == [
            ("replay", "ada", "restarted the service")
        ]
        await until_listed(shop)


@each_service
async def test_a_forward_letter_that_is_discarded_ends_its_order(
    open_shop: OpenShop, service: str
) -> None:
    order = an_order()
    async with open_shop(permanent(ACTIONS[service], when="after", times=1)) as shop:
        handle, letter = await with_dead_letter(shop, order, FORWARD[service])
        await decide(letter, "discard", "item recalled")
        result = await shop.rolls_back(handle)
        assert (result.status, result.failed_step) == ("FAILED", ACTIONS[service])
        assert "discarded by ada: item recalled" in result.error
        # The effect that it may have had is undone with the others.
        assert set(result.compensated_steps) == set(STEPS[: STEPS.index(ACTIONS[service]) + 1])
        assert shop.standing(order) == []
        assert (await letter.result()).state is DeliveryState.DISCARDED


@each_service
async def test_an_undoing_letter_holds_up_no_other_undoing_and_ends_by_replay(
    open_shop: OpenShop, service: str
) -> None:
    order = an_order(user_id="user_closed")
    async with open_shop(permanent(UNDOS[service], times=1)) as shop:
        handle, letter = await with_dead_letter(shop, order, BACKWARD[service])
        await until_listed(shop, letter)
        await shop.until_listed_as(handle, SagaStatus.NEEDS_INTERVENTION)
        for other in set(STEPS[:-1]) - {ACTIONS[service]}:
            await shop.until_step(handle, other, StepState.COMPENSATED)
        await decide(letter, "replay")
        result = await shop.rolls_back(handle)
        assert set(result.compensated_steps) == set(STEPS[:-1])
        assert result.resolved_manually == ()
        assert shop.standing(order) == []


@each_service
async def test_an_undoing_letter_that_is_discarded_counts_as_undone_by_hand(
    open_shop: OpenShop, service: str
) -> None:
    order = an_order(user_id="user_closed")
    async with open_shop(permanent(UNDOS[service], times=1)) as shop:
        handle, letter = await with_dead_letter(shop, order, BACKWARD[service])
        await decide(letter, "discard", "letter 4711")
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == (ACTIONS[service],)
        assert ACTIONS[service] not in result.compensated_steps
        view = await shop.status(handle)
        step = next(s for s in view.steps if s.name == ACTIONS[service])
        assert step.state is StepState.COMPENSATED
        assert step.resolution is not None
        assert (step.resolution.operator, step.resolution.note) == ("ada", "letter 4711")
        # The service has it in its ledger, and undoes nothing any more.
        assert shop.standing(order) == []
        assert list(shop.decisions(order)) == ([] if service == "loyalty" else [ACTIONS[service]])


async def test_while_the_order_goes_on_after_a_replay_it_no_longer_asks_for_a_person(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    slow = delay("prepare_shipping", seconds=0.5)
    async with open_shop(permanent("process_payment", times=1), slow) as shop:
        handle, letter = await with_dead_letter(shop, order, FORWARD["payment"])
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await decide(letter, "replay")
        await shop.until_step(handle, "process_payment", StepState.SUCCESS)
        assert (await shop.status(handle)).status is SagaStatus.RUNNING
        await shop.succeeds(handle)


async def test_a_letter_may_be_parked_again_and_keeps_all_that_was_decided(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    twice = permanent("process_payment", times=2)
    async with open_shop(twice) as shop:
        handle, letter = await with_dead_letter(shop, order, FORWARD["payment"])
        await decide(letter, "replay", "once more")
        await until_parked(letter)
        await decide(letter, "replay", "now it is up")
        await shop.succeeds(handle)
        assert [d.note for d in (await view(letter)).decisions] == ["once more", "now it is up"]


async def test_only_a_dead_letter_can_be_decided_on(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    # The first attempt holds the workflow task, and with it the update, until its time is over.
    policies_with(fast=0.3)
    slow = delay("process_payment", seconds=1.5)
    async with open_shop(slow) as shop:
        handle = await shop.place(an_order())
        under_way = delivery(shop, handle, FORWARD["payment"])
        await until_under_way(under_way)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await decide(under_way, "discard")
        assert "waits for nobody: it is delivering" in str(refused.value.cause)
        await shop.succeeds(handle)


async def test_trouble_that_does_not_pass_parks_the_event_in_the_end(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    policies_with(pause=0.01, attempts=3)
    order = an_order()
    outage = lost_reply("process_payment", times=3)
    async with open_shop(outage) as shop:
        handle = await shop.place(order)
        letter = delivery(shop, handle, FORWARD["payment"])
        assert "reply lost" in str((await until_parked(letter)).error)
        await decide(letter, "replay")
        await shop.succeeds(handle)
        assert shop.effects(order) == 4


async def test_a_delivery_that_is_cancelled_natively_is_parked_and_not_lost(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    policies_with(pause=3600)
    order = an_order()
    down = transient("process_payment", times=2)
    async with open_shop(down) as shop:
        handle = await shop.place(order)
        letter = delivery(shop, handle, FORWARD["payment"])
        await until_retrying(letter)
        await letter.cancel()
        assert (await until_parked(letter)).error == "interrupted"
        await letter.cancel()
        await decide(letter, "replay")
        await shop.succeeds(handle)
        assert (await letter.describe()).status is WorkflowExecutionStatus.COMPLETED


async def test_the_deadline_ends_an_order_that_waits_and_its_letter_has_no_effect_any_more(
    open_shop: OpenShop,
) -> None:
    order = an_order(deadline_seconds=3600)
    async with open_shop(permanent("process_payment", times=1)) as shop:
        handle, letter = await with_dead_letter(shop, order, FORWARD["payment"])
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        result = await shop.outcome_after(handle, 3600)
        assert isinstance(result, SagaRolledBack)
        assert result.error.startswith("deadline passed")
        assert result.failed_step == "process_payment"
        await until_listed(shop, letter)
        await decide(letter, "replay")
        assert (await letter.result()).emitted == ()
        assert shop.standing(order) == []
