"""Every kind of run, each played on the real system: the orchestrated saga here, others beside.

Another workflow type takes part with scenarios of its own in :data:`SCENARIOS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Literal

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowFailureError
from temporalio.common import WorkflowIDReusePolicy

from messages.sagas import CancelOrder, ResolveCompensation, SagaStatus, StepState
from tests.harness.builders import an_order
from tests.harness.server import in_real_time
from tests.replay.choreographed import choreographed
from tests.replay.reconciled import reconciled
from tests.replay.studio import (
    REFUND_FAILS_ONCE,
    SHIPPING_REFUSED,
    Fault,
    Play,
    Scenario,
    Studio,
    fault,
)
from tests.workflows.conftest import PATIENCE, Handle, until
from workflows.orchestration.order_saga import STEPS, OrderSaga

Cancel = Callable[[Handle], Awaitable[None]]


async def by_update(handle: Handle) -> None:
    await handle.execute_update(OrderSaga.cancel_order, CancelOrder(reason="changed my mind"))


async def natively(handle: Handle) -> None:
    await handle.cancel()


async def decided(handle: Handle) -> None:
    """Wait until the saga has taken in all that it was told."""

    async def nothing_new() -> bool:
        raw = (await handle.describe()).raw_description
        return not raw.HasField("pending_workflow_task")

    await until(nothing_new)


async def _waits_long_enough(handle: Handle) -> bool:
    """Whether its next attempt is so far away that a cancel is sure to come before."""
    soon = datetime.now(timezone.utc) + timedelta(seconds=2)
    pending = (await handle.describe()).raw_description.pending_activities
    waiting = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    return any(
        a.state == waiting
        and a.HasField("last_failure")
        and a.next_attempt_schedule_time.ToDatetime(timezone.utc) > soon
        for a in pending
    )


async def undisturbed(studio: Studio) -> Handle:
    """Nothing happens to the order but its faults."""
    handle = await studio.place()
    await studio.shop.outcome(handle)
    return handle


def cancelled_during(activity: str, cancel: Cancel) -> Play:
    """The activity is under way when the cancel comes, and completes all the same."""

    async def play(studio: Studio) -> Handle:
        gate = studio.hold(activity)
        handle = await studio.place()
        await asyncio.wait_for(gate.reached.wait(), PATIENCE)
        await cancel(handle)
        await decided(handle)
        gate.open.set()
        await studio.shop.outcome(handle)
        return handle

    return play


def cancelled_between_attempts(cancel: Cancel) -> Play:
    """The payment waits for its next attempt when the cancel comes."""

    async def play(studio: Studio) -> Handle:
        handle = await studio.place()
        # The pauses grow, so that one comes that is long enough on any machine.
        await until(lambda: _waits_long_enough(handle))
        await cancel(handle)
        await studio.shop.outcome(handle)
        return handle

    return play


async def cancelled_before_the_first_step(studio: Studio) -> Handle:
    handle = await studio.place()
    await handle.cancel()
    async with studio.worker():
        await studio.shop.outcome(handle)
    return handle


def cancelled_with_the_last_success(cancel: Cancel) -> Play:
    """Cancel and success reach the saga in one go, because nobody decides anything meanwhile."""

    async def play(studio: Studio) -> Handle:
        gate = studio.hold(STEPS[-1].name)
        async with studio.worker(workflows=False):
            async with studio.worker(activities=False):
                handle = await studio.place()
                await asyncio.wait_for(gate.reached.wait(), PATIENCE)
            asked = asyncio.ensure_future(cancel(handle))
            gate.open.set()
            await studio.shop.until_completed(handle, activities=len(STEPS))
        async with studio.worker():
            await asked
            await studio.shop.outcome(handle)
        return handle

    return play


def parked(decision: Literal["retry", "mark_resolved"] | None) -> Play:
    """The refund fails for good; an operator decides, or has not yet."""

    async def play(studio: Studio) -> Handle:
        handle = await _parked(studio)
        if decision is not None:
            await handle.execute_update(
                OrderSaga.resolve_compensation,
                ResolveCompensation(
                    step="process_payment", action=decision, operator="ada", note="bank letter"
                ),
            )
            await studio.shop.outcome(handle)
        return handle

    return play


async def cancelled_while_parked(studio: Studio) -> Handle:
    handle = await _parked(studio)
    await handle.cancel()
    await decided(handle)
    return handle


async def _parked(studio: Studio) -> Handle:
    handle = await studio.place()
    await studio.shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
    await studio.shop.until_step(handle, "reserve_inventory", StepState.COMPENSATED)
    return handle


async def past_its_deadline(studio: Studio) -> Handle:
    gate = studio.hold("prepare_shipping")
    handle = await studio.until_late(gate, studio.place)
    gate.open.set()
    await asyncio.wait_for(gate.landed.wait(), PATIENCE)
    return handle


async def placed_again(studio: Studio) -> Handle:
    await undisturbed(studio)
    async with in_real_time(studio.shop.env):
        handle: Handle = await studio.shop.env.client.start_workflow(
            OrderSaga.run,
            an_order(studio.name),
            id=f"order_saga_{studio.name}",
            task_queue=studio.shop.settings.task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        )
    await handle.result()
    return handle


async def invalid_input(studio: Studio) -> Handle:
    async with in_real_time(studio.shop.env):
        handle: Handle = await studio.shop.env.client.start_workflow(
            "OrderSaga",
            {"order_id": studio.name, "items": []},
            id=f"order_saga_{studio.name}",
            task_queue=studio.shop.settings.task_queue,
        )
    try:
        await handle.result()
    except WorkflowFailureError:
        return handle
    raise AssertionError("what is no order was placed")


def _orchestrated() -> Iterator[Scenario]:
    def saga(name: str, ends: str, play: Play, *faults: Fault, worker: bool = True) -> Scenario:
        return Scenario(name, "OrderSaga", ends, faults, play, worker)

    yield saga("success", "COMPLETED", undisturbed)
    for step in (step.name for step in STEPS):
        yield saga(f"refused_at_{step}", "FAILED", undisturbed, fault("refusal", step))
        broken = fault("permanent", step)
        yield saga(f"failed_for_good_at_{step}", "FAILED", undisturbed, broken)
        during = cancelled_during(step, by_update)
        yield saga(f"cancelled_by_update_during_{step}", "FAILED", during)
        during = cancelled_during(step, natively)
        yield saga(f"cancelled_natively_during_{step}", "CANCELED", during)
    for cancel, ends in ((by_update, "FAILED"), (natively, "CANCELED")):
        way = cancel.__name__
        down = fault("transient", "process_payment")
        yield saga(
            f"cancelled_{way}_between_attempts", ends, cancelled_between_attempts(cancel), down
        )
        together = cancelled_with_the_last_success(cancel)
        yield saga(f"cancelled_{way}_with_the_last_success", ends, together, worker=False)
    yield saga(
        "cancelled_natively_before_the_first_step",
        "CANCELED",
        cancelled_before_the_first_step,
        worker=False,
    )
    for undo in ("refund_payment", "release_inventory"):
        during = cancelled_during(undo, natively)
        yield saga(f"cancelled_natively_during_{undo}", "FAILED", during, SHIPPING_REFUSED)
    stuck = (SHIPPING_REFUSED, REFUND_FAILS_ONCE)
    yield saga("parked", "RUNNING", parked(None), *stuck)
    yield saga("parked_and_cancelled_natively", "RUNNING", cancelled_while_parked, *stuck)
    yield saga("parked_and_retried", "FAILED", parked("retry"), *stuck)
    yield saga("parked_and_resolved_by_hand", "FAILED", parked("mark_resolved"), *stuck)
    yield saga("past_its_deadline", "FAILED", past_its_deadline)
    once = fault("permanent", "award_loyalty_points", count=1)
    yield saga("placed_again", "COMPLETED", placed_again, once)
    yield saga("invalid_input", "FAILED", invalid_input)


SCENARIOS: tuple[Scenario, ...] = (*_orchestrated(), *choreographed(), *reconciled())
