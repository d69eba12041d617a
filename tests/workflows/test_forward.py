"""The way forward: each step, and each way in which it can go wrong."""

from __future__ import annotations

import pytest

from messages.sagas import SagaRolledBack, SagaSucceeded
from services.faults import When
from tests.harness.builders import an_order
from tests.harness.faults import delay, lost_reply, permanent, refusal, transient
from tests.harness.opening import OpenShop
from tests.harness.policies import ChangePolicies
from tests.harness.steps import STEPS, before, up_to

each_step = pytest.mark.parametrize("step", STEPS)


async def test_an_order_takes_all_four_steps_and_leaves_all_four_effects(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop() as shop:
        assert await shop.outcome_of(order) == SagaSucceeded(
            saga_id=f"order_saga_{order.order_id}", completed_steps=4
        )
        assert shop.standing(order) == STEPS


@each_step
async def test_a_refused_step_has_no_effect_and_is_not_compensated(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    async with open_shop(refusal(step)) as shop:
        result = await shop.outcome_of(order)
        assert isinstance(result, SagaRolledBack)
        assert (result.status, result.failed_step) == ("FAILED", step)
        assert list(result.compensated_steps) == before(step)[::-1]
        assert shop.standing(order) == []


@each_step
async def test_a_passing_fault_is_retried_until_it_has_passed(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    async with open_shop(transient(step, times=5)) as shop:
        assert isinstance(await shop.outcome_of(order), SagaSucceeded)
        assert shop.standing(order) == STEPS


@each_step
async def test_a_fault_that_does_not_pass_uses_up_the_steps_window_and_is_compensated(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    async with open_shop(transient(step)) as shop:
        result = await shop.outcome_of(order)
        assert isinstance(result, SagaRolledBack)
        assert (result.status, result.failed_step) == ("FAILED", step)
        assert list(result.compensated_steps) == up_to(step)[::-1]
        assert shop.standing(order) == []


@each_step
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_failure_for_good_is_compensated_whether_or_not_it_had_its_effect(
    open_shop: OpenShop, step: str, when: When
) -> None:
    order = an_order()
    fault = permanent(step, when=when)
    async with open_shop(fault) as shop:
        result = await shop.outcome_of(order)
        assert isinstance(result, SagaRolledBack)
        assert "PermanentFailure" in result.error
        assert list(result.compensated_steps) == up_to(step)[::-1]
        assert shop.standing(order) == []


@each_step
async def test_a_lost_reply_is_asked_for_again_and_the_effect_happens_once(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    async with open_shop(lost_reply(step, times=2)) as shop:
        assert isinstance(await shop.outcome_of(order), SagaSucceeded)
        assert shop.standing(order) == STEPS


@each_step
async def test_when_every_reply_is_lost_the_effect_is_undone_without_them(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    async with open_shop(lost_reply(step)) as shop:
        result = await shop.outcome_of(order)
        assert isinstance(result, SagaRolledBack)
        assert list(result.compensated_steps) == up_to(step)[::-1]
        assert shop.standing(order) == []


@each_step
async def test_an_attempt_slower_than_its_time_out_is_repeated_and_both_have_one_effect(
    open_shop: OpenShop, policies_with: ChangePolicies, step: str
) -> None:
    policies_with(attempt=0.3)
    order = an_order()
    slow = delay(step, seconds=0.8, times=1)
    async with open_shop(slow) as shop:
        assert isinstance(await shop.outcome_of(order), SagaSucceeded)
        assert shop.standing(order) == STEPS


@each_step
async def test_an_action_that_arrives_after_its_compensation_stays_without_effect(
    open_shop: OpenShop, policies_with: ChangePolicies, step: str
) -> None:
    policies_with(attempt=1.0, window=1.0)  # long enough for the other steps on a busy machine
    order = an_order()
    hanging = delay(step, seconds=1.5)
    async with open_shop(hanging) as shop:
        result = await shop.outcome_of(order)
        assert isinstance(result, SagaRolledBack)
        assert list(result.compensated_steps) == up_to(step)[::-1]
    assert shop.standing(order) == []
