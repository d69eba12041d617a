"""Every kind of run, each played on the real system: the orchestrated saga here, others beside.

Another workflow type takes part with scenarios of its own in :data:`SCENARIOS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Literal

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowFailureError

from messages.sagas import SagaStatus, StepState
from services.faults import Fault
from tests.harness.cancelling import Cancel, by_update, natively
from tests.harness.faults import REFUND_FAILS_ONCE, SHIPPING_REFUSES, permanent, refusal, transient
from tests.harness.progress import until_completed
from tests.harness.runs import Run, resolve
from tests.harness.shop import Handle
from tests.harness.waiting import until
from tests.replay.choreographed import choreographed
from tests.replay.reconciled import reconciled
from tests.replay.recording import Play, Recording, Scenario
from workflows.orchestration.order_saga import STEPS


async def decided(handle: Handle) -> None:
    """Wait until the saga has taken in all that it was told."""

    async def nothing_new() -> bool:
        raw = (await handle.describe()).raw_description
        return not raw.HasField("pending_workflow_task")

    await until(nothing_new)


async def _waits_long_enough(handle: Handle) -> bool:
    """Tell whether its next attempt is so far away that a cancel is sure to come before."""
    soon = datetime.now(timezone.utc) + timedelta(seconds=2)
    pending = (await handle.describe()).raw_description.pending_activities
    waiting = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    return any(
        a.state == waiting
        and a.HasField("last_failure")
        and a.next_attempt_schedule_time.ToDatetime(timezone.utc) > soon
        for a in pending
    )


async def undisturbed(recording: Recording) -> Handle:
    """Nothing happens to the order but its faults."""
    handle = await recording.place()
    await recording.shop.outcome(handle)
    return handle


def cancelled_during(activity: str, cancel: Cancel) -> Play:
    """Cancel while the activity is under way; it completes all the same."""

    async def play(recording: Recording) -> Handle:
        gate = recording.hold(activity)
        handle = await recording.place()
        await gate.until_reached()
        await cancel(handle)
        await decided(handle)
        gate.open.set()
        await recording.shop.outcome(handle)
        return handle

    return play


def cancelled_between_attempts(cancel: Cancel) -> Play:
    """Cancel while the payment waits for its next attempt."""

    async def play(recording: Recording) -> Handle:
        handle = await recording.place()
        # The pauses grow, so that one comes that is long enough on any machine.
        await until(lambda: _waits_long_enough(handle))
        await cancel(handle)
        await recording.shop.outcome(handle)
        return handle

    return play


async def cancelled_before_the_first_step(recording: Recording) -> Handle:
    handle = await recording.place()
    await handle.cancel()
    async with recording.shop.worker():
        await recording.shop.outcome(handle)
    return handle


def cancelled_with_the_last_success(cancel: Cancel) -> Play:
    """Cancel and success reach the saga in one go, because nobody decides anything meanwhile."""

    async def play(recording: Recording) -> Handle:
        gate = recording.hold(STEPS[-1].name)
        async with recording.shop.acting_worker():
            async with recording.shop.deciding_worker():
                handle = await recording.place()
                await gate.until_reached()
            asked = asyncio.ensure_future(cancel(handle))
            gate.open.set()
            await until_completed(handle, activities=len(STEPS))
        async with recording.shop.worker():
            await asked
            await recording.shop.outcome(handle)
        return handle

    return play


def parked(decision: Literal["retry", "mark_resolved"] | None) -> Play:
    """Let the refund fail for good; an operator decides, or has not yet."""

    async def play(recording: Recording) -> Handle:
        handle = await _parked(recording)
        if decision is not None:
            await resolve(handle, decision)
            await recording.shop.outcome(handle)
        return handle

    return play


async def cancelled_while_parked(recording: Recording) -> Handle:
    handle = await _parked(recording)
    await handle.cancel()
    await decided(handle)
    return handle


async def _parked(recording: Recording) -> Handle:
    handle = await recording.place()
    await recording.shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
    await recording.shop.until_step(handle, "reserve_inventory", StepState.COMPENSATED)
    return handle


async def past_its_deadline(recording: Recording) -> Handle:
    gate = recording.hold("prepare_shipping")
    handle = await recording.place_too_late(gate)
    gate.open.set()
    await gate.until_landed()
    return handle


async def placed_again(recording: Recording) -> Handle:
    await undisturbed(recording)
    handle = await recording.place()
    await handle.result()
    return handle


async def invalid_input(recording: Recording) -> Run:
    workflow_id = f"order_saga_{recording.name}"
    handle = await recording.shop.begin(
        "OrderSaga", {"order_id": recording.name, "items": []}, workflow_id=workflow_id
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
        yield saga(f"refused_at_{step}", "FAILED", undisturbed, refusal(step))
        broken = permanent(step)
        yield saga(f"failed_for_good_at_{step}", "FAILED", undisturbed, broken)
        during = cancelled_during(step, by_update)
        yield saga(f"cancelled_by_update_during_{step}", "FAILED", during)
        during = cancelled_during(step, natively)
        yield saga(f"cancelled_natively_during_{step}", "CANCELED", during)
    for cancel, ends in ((by_update, "FAILED"), (natively, "CANCELED")):
        way = cancel.__name__
        down = transient("process_payment")
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
        yield saga(f"cancelled_natively_during_{undo}", "FAILED", during, SHIPPING_REFUSES)
    stuck = (SHIPPING_REFUSES, REFUND_FAILS_ONCE)
    yield saga("parked", "RUNNING", parked(None), *stuck)
    yield saga("parked_and_cancelled_natively", "RUNNING", cancelled_while_parked, *stuck)
    yield saga("parked_and_retried", "FAILED", parked("retry"), *stuck)
    yield saga("parked_and_resolved_by_hand", "FAILED", parked("mark_resolved"), *stuck)
    yield saga("past_its_deadline", "FAILED", past_its_deadline)
    once = permanent("award_loyalty_points", times=1)
    yield saga("placed_again", "COMPLETED", placed_again, once)
    yield saga("invalid_input", "FAILED", invalid_input)


SCENARIOS: tuple[Scenario, ...] = (*_orchestrated(), *choreographed(), *reconciled())
