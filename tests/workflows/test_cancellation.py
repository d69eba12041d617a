"""A cancel, at any instant, by either way and in either mode, loses nothing and is not lost."""

from __future__ import annotations

import asyncio
from itertools import product

import pytest
from temporalio.client import WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy

from cli.modes import Mode
from messages.sagas import CancelOrder, SagaSucceeded, StepState
from tests.harness.builders import an_order
from tests.harness.cancelling import Cancel, assert_cancelled, by_update, natively
from tests.harness.deliveries import (
    DELIVERY_OF,
    FORWARD,
    delivery,
    until_called,
    until_called_in_vain,
)
from tests.harness.faults import delay, lost_reply, permanent, refusal
from tests.harness.opening import OpenShop
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_completed
from tests.harness.steps import STEPS, before, up_to

HOURS = 3600.0
WAYS = (by_update, natively)

both_ways = pytest.mark.parametrize("cancel", WAYS)
both_modes = pytest.mark.parametrize("mode", Mode)
all_kinds = pytest.mark.parametrize(
    ("mode", "fast_path"),
    [(Mode.ORCHESTRATION, False), (Mode.ORCHESTRATION, True), (Mode.CHOREOGRAPHY, False)],
    ids=["orchestrated", "fast path", "choreographed"],
)

#: Steps, each with both ways on the regular path, and with one of them on the others.
REGULAR = [(Mode.ORCHESTRATION, False, *each) for each in product(STEPS, WAYS)]
FAST = [(Mode.ORCHESTRATION, True, *each) for each in zip(STEPS, WAYS * 2, strict=True)]
EVENTS = [(Mode.CHOREOGRAPHY, False, *each) for each in zip(STEPS, WAYS[::-1] * 2, strict=True)]

each_step = pytest.mark.parametrize(("mode", "fast_path", "step", "cancel"), REGULAR + FAST)
each_step_in_both_modes = pytest.mark.parametrize(
    ("mode", "fast_path", "step", "cancel"), REGULAR + FAST + EVENTS
)


@pytest.fixture(autouse=True)
def slower_than_the_fast_path(policies_with: ChangePolicies) -> None:
    """On the fast path, no slow step ends in its first attempt."""
    policies_with(fast=0.05)


@each_step_in_both_modes
async def test_while_a_step_runs_that_then_completes_it_is_undone_with_the_others(
    open_shop: OpenShop, mode: Mode, step: str, cancel: Cancel
) -> None:
    order = an_order()
    async with open_shop(delay(step, seconds=0.5)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, step)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        if mode is Mode.ORCHESTRATION:
            assert result.failed_step == step
            assert list(result.compensated_steps) == up_to(step)[::-1]
        else:
            # The order may not have heard of the step before. What was under way is undone,
            # or kept out if the undoing overtook it.
            assert set(before(step)) <= set(result.compensated_steps) <= set(up_to(step))
    assert shop.standing(order) == []


@each_step_in_both_modes
async def test_while_a_step_waits_for_its_next_attempt_the_wait_ends_at_once(
    open_shop: OpenShop,
    policies_with: ChangePolicies,
    mode: Mode,
    step: str,
    cancel: Cancel,
) -> None:
    policies_with(pause=5 * HOURS, window=50 * HOURS)
    order = an_order(deadline_seconds=100 * 3600)
    async with open_shop(lost_reply(step)) as shop:
        handle = await shop.place(order)
        await until_called_in_vain(shop, handle, step)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert set(result.compensated_steps) == set(up_to(step))
        if mode is Mode.ORCHESTRATION:
            assert list(result.compensated_steps) == up_to(step)[::-1]
        else:  # it would go on for a day, to be told that it is too late
            await delivery(shop, handle, DELIVERY_OF[step]).terminate()
        assert shop.standing(order) == []


@each_step
async def test_while_a_step_is_refused_there_is_nothing_of_it_to_undo(
    open_shop: OpenShop, step: str, cancel: Cancel
) -> None:
    order = an_order()
    async with open_shop(delay(step, seconds=0.5), refusal(step)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, step)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert set(before(step)) <= set(result.compensated_steps)
        assert shop.standing(order) == []


@each_step
async def test_while_a_step_fails_for_good_it_is_undone_with_the_others(
    open_shop: OpenShop, step: str, cancel: Cancel
) -> None:
    order = an_order()
    async with open_shop(delay(step, seconds=0.5), permanent(step)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, step)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert list(result.compensated_steps) == up_to(step)[::-1]
        assert shop.standing(order) == []


@each_step
async def test_while_a_step_overruns_its_time_the_late_effect_stays_out(
    open_shop: OpenShop, policies_with: ChangePolicies, step: str, cancel: Cancel
) -> None:
    policies_with(attempt=0.4)
    order = an_order()
    async with open_shop(delay(step, seconds=1.0)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, step)
        await cancel(handle)
        result = await assert_cancelled(shop, handle, cancel)
        assert list(result.compensated_steps) == up_to(step)[::-1]
    assert shop.standing(order) == []


@both_modes
async def test_natively_before_the_first_step_nothing_happens(
    open_shop: OpenShop, mode: Mode
) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order)
        await handle.cancel()
        async with shop.worker():
            result = await assert_cancelled(shop, handle, natively)
            assert shop.standing(order) == []
            if mode is Mode.ORCHESTRATION:
                assert result.compensated_steps == ()
                assert shop.operations() == 0


@all_kinds
async def test_by_update_before_the_first_step_nothing_stands(
    open_shop: OpenShop, mode: Mode
) -> None:
    """An Update that comes along with the start is delivered with the very first task."""
    order = an_order()
    async with open_shop() as shop:
        start: WithStartWorkflowOperation[object, SagaSucceeded] = WithStartWorkflowOperation(
            mode.workflow,
            order,
            id=mode.saga_id(order.order_id),
            task_queue=shop.settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            result_type=SagaSucceeded,
        )
        await shop.client.execute_update_with_start_workflow(
            "cancel_order",
            CancelOrder(reason="changed my mind"),
            start_workflow_operation=start,
        )
        await assert_cancelled(shop, await start.workflow_handle(), by_update)
        assert shop.standing(order) == []


@both_modes
@both_ways
async def test_together_with_the_last_steps_success_it_is_not_swallowed(
    open_shop: OpenShop, mode: Mode, cancel: Cancel
) -> None:
    """Both reach the saga in one go, because nobody decides anything meanwhile."""
    order = an_order()
    async with open_shop(delay(STEPS[-1], seconds=1.0), worker=False) as shop:
        async with shop.acting_worker():
            async with shop.deciding_worker():
                handle = await shop.place(order)
                await until_called(shop, handle, STEPS[-1])
            # An Update is answered only once somebody decides again.
            asked = asyncio.ensure_future(cancel(handle))
            if mode is Mode.ORCHESTRATION:
                await until_completed(handle, activities=len(STEPS))
            else:  # the effect stands, and the order has not heard of it
                await until_completed(delivery(shop, handle, FORWARD["loyalty"]), activities=1)
        async with shop.worker():
            await asked
            result = await assert_cancelled(shop, handle, cancel)
            assert set(result.compensated_steps) == set(STEPS)
            if mode is Mode.ORCHESTRATION:
                assert list(result.compensated_steps) == STEPS[::-1]
            assert shop.standing(order) == []


@both_modes
async def test_the_steps_after_a_cancel_never_begin(open_shop: OpenShop, mode: Mode) -> None:
    order = an_order()
    async with open_shop(delay("reserve_inventory", seconds=0.4)) as shop:
        handle = await shop.place(order)
        await until_called(shop, handle, "reserve_inventory")
        await by_update(handle)
        await assert_cancelled(shop, handle, by_update)
        first, *others = [step.state for step in (await shop.status(handle)).steps]
        # Among events, the undoing may overtake the effect, and keep it out.
        kept_out = [StepState.PENDING] if mode is Mode.CHOREOGRAPHY else []
        assert first in [StepState.COMPENSATED, *kept_out]
        assert others == [StepState.PENDING] * 3
    assert shop.effects(order) <= 1
