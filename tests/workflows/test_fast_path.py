"""Fast path: a step's first attempt runs inside the workflow task, and nothing is lost by that."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from temporalio.api.history.v1 import HistoryEvent

from services.faults import Fault
from tests.harness.builders import an_order
from tests.harness.cancelling import assert_cancelled, natively
from tests.harness.faults import delay, lost_reply, permanent, refusal, transient
from tests.harness.opening import OpenShop
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_retrying
from tests.harness.runs import Run, attempts_at_once, scheduled
from tests.harness.steps import COMPENSATION_OF, STEPS, before, up_to
from tests.replay.replaying import replayer

each_step = pytest.mark.parametrize("step", STEPS)

#: Troubles that the first attempt does not survive and the second one does.
PASSING: dict[str, Callable[[str], Fault]] = {
    "transient": lambda step: transient(step, times=1),
    "its reply lost": lambda step: lost_reply(step, times=1),
    "late": lambda step: delay(step, times=1, seconds=0.8),
}


@pytest.fixture
def fast_path() -> bool:
    return True


async def test_the_happy_path_has_nine_events_that_the_web_ui_can_tell_apart(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        events = await _events(handle)
        assert len(events) == 9
        assert attempts_at_once(events) == [f"{step}, first attempt" for step in STEPS]
        assert shop.standing(order) == STEPS


@each_step
@pytest.mark.parametrize("trouble", PASSING)
async def test_a_first_attempt_that_fails_is_followed_by_a_regular_activity(
    open_shop: OpenShop, policies_with: ChangePolicies, step: str, trouble: str
) -> None:
    policies_with(fast=0.3)
    order = an_order()
    async with open_shop(PASSING[trouble](step)) as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        # On a busy machine another step may be late as well.
        assert step in await scheduled(handle)
        assert shop.standing(order) == STEPS
    assert shop.effects(order) == len(STEPS)


@each_step
async def test_a_refused_step_is_not_attempted_again_and_nothing_after_it_is_undone(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    async with open_shop(refusal(step)) as shop:
        handle = await shop.place(order)
        result = await shop.rolls_back(handle)
        assert (result.status, result.failed_step) == ("FAILED", step)
        assert list(result.compensated_steps) == before(step)[::-1]
        assert await scheduled(handle) == [COMPENSATION_OF[done] for done in before(step)[::-1]]
        assert shop.standing(order) == []


@each_step
async def test_a_step_that_fails_for_good_is_undone_with_the_steps_before_it(
    open_shop: OpenShop, step: str
) -> None:
    order = an_order()
    async with open_shop(permanent(step, when="after")) as shop:
        result = await shop.rolls_back(await shop.place(order))
        assert (result.status, result.failed_step) == ("FAILED", step)
        assert list(result.compensated_steps) == up_to(step)[::-1]
        assert shop.standing(order) == []


@each_step
async def test_a_cancel_during_a_workflow_task_undoes_also_what_that_task_did_and_lost(
    open_shop: OpenShop, policies_with: ChangePolicies, step: str
) -> None:
    """The server refuses the task's result, since the run was cancelled meanwhile.

    So no event tells of the steps that were done in it. The task that follows hears of the cancel
    before it begins any step.
    """
    policies_with(fast=20)
    order = an_order()
    async with open_shop() as shop:
        gate = shop.hold(order, step)
        handle = await shop.place(order)
        await gate.until_reached()
        await natively(handle)
        gate.open.set()
        result = await assert_cancelled(shop, handle, natively)
        assert attempts_at_once(await _events(handle)) == []
        assert list(result.compensated_steps) == STEPS[::-1]
        assert shop.standing(order) == []
    assert shop.effects(order) == len(STEPS)


async def test_a_cancel_during_an_attempt_that_fails_keeps_the_next_attempt_from_beginning(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    policies_with(fast=20)
    order = an_order()
    async with open_shop(transient("process_payment")) as shop:
        gate = shop.hold(order, "process_payment")
        handle = await shop.place(order)
        await gate.until_reached()
        await natively(handle)
        gate.open.set()
        await assert_cancelled(shop, handle, natively)
        assert shop.standing(order) == []


async def test_a_reset_goes_back_over_what_was_done_on_the_fast_path(open_shop: OpenShop) -> None:
    """The run that the reset makes is cancelled before it begins any step."""
    order = an_order()
    async with open_shop(worker=False) as shop:
        handle = await shop.place(order)
        async with shop.worker():
            await shop.succeeds(handle)
        again = await shop.reset(handle)
        await natively(again)
        async with shop.worker():
            result = await assert_cancelled(shop, again, natively)
            assert list(result.compensated_steps) == STEPS[::-1]
            assert shop.standing(order) == []


@pytest.mark.parametrize("first", [True, False], ids=["fast first", "regular first"])
async def test_the_setting_may_change_while_an_order_runs(
    open_shop: OpenShop, policies_with: ChangePolicies, first: bool
) -> None:
    policies_with(pause=0.1)
    order = an_order()
    async with open_shop(transient("prepare_shipping", times=12), worker=False) as shop:
        settings = shop.settings
        shop.settings = settings.model_copy(update={"fast_path": first})
        async with shop.worker():
            handle = await shop.place(order)
            await until_retrying(handle, "prepare_shipping")
        shop.settings = settings.model_copy(update={"fast_path": not first})
        async with shop.worker():
            await shop.succeeds(handle)
        steps = STEPS[:3] if first else STEPS[3:]
        events = await _events(handle)
        assert attempts_at_once(events) == [f"{step}, first attempt" for step in steps]
        await replayer().replay_workflow(await handle.fetch_history())


async def _events(handle: Run) -> Sequence[HistoryEvent]:
    return (await handle.fetch_history()).events
