"""Code of a saga between its steps: it waits, is late, gives up, or tries to go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from temporalio import workflow
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from messages.sagas import SagaStatus, SagaSucceeded
from tests.harness.trips import CAR, FLIGHT, HOTEL, Trips, booking, trips_by
from tests.harness.waiting import PATIENCE
from workflows.orchestration.saga import Saga


@workflow.defn
class WaitingTrip:
    """Waits between its steps by itself, and swallows what goes wrong meanwhile."""

    @workflow.run
    async def run(self) -> SagaSucceeded:
        async def book_and_wait(saga: Saga) -> None:
            await saga.step(FLIGHT, partial(booking, "flight"))
            await workflow.sleep(timedelta(days=3))
            await saga.step(CAR, partial(booking, "car"))

        return await Saga("trip", (FLIGHT, CAR), timedelta(days=9)).run(book_and_wait)


@workflow.defn
class LateTrip:
    """Lets its deadline pass between two steps, while nothing is under way."""

    @workflow.run
    async def run(self) -> SagaSucceeded:
        async def book_too_late(saga: Saga) -> None:
            await saga.step(FLIGHT, partial(booking, "flight"))
            await workflow.sleep(timedelta(days=3))
            await saga.step(CAR, partial(booking, "car"))

        return await Saga("trip", (FLIGHT, CAR), timedelta(days=1)).run(book_too_late)


@workflow.defn
class RaisingTrip:
    """Its business code itself gives up after the first step."""

    @workflow.run
    async def run(self) -> SagaSucceeded:
        async def book_and_give_up(saga: Saga) -> None:
            await saga.step(FLIGHT, partial(booking, "flight"))
            raise ApplicationError("the passport has expired", type="Passport")

        return await Saga("trip", (FLIGHT,), timedelta(hours=1)).run(book_and_give_up)


@workflow.defn
class InterruptedTrip:
    """Waits for something of its own that is cancelled."""

    @workflow.run
    async def run(self) -> SagaSucceeded:
        async def book_and_be_interrupted(saga: Saga) -> None:
            await saga.step(FLIGHT, partial(booking, "flight"))
            timer = asyncio.create_task(asyncio.sleep(3600))
            timer.cancel()
            await timer

        return await Saga("trip", (FLIGHT, CAR), timedelta(hours=1)).run(book_and_be_interrupted)


@workflow.defn
class StubbornTrip:
    """Catches the end of the saga and tries to go on all the same."""

    @workflow.run
    async def run(self) -> SagaSucceeded:
        async def book_whatever_happens(saga: Saga) -> None:
            for step in (FLIGHT, HOTEL, CAR):
                with suppress(Exception):
                    await saga.step(step, partial(booking, step.name))

        return await Saga("trip", (FLIGHT, HOTEL, CAR), timedelta(hours=1)).run(
            book_whatever_happens
        )


@pytest.fixture
async def trips(env: WorkflowEnvironment) -> AsyncIterator[Trips]:
    workflows = (WaitingTrip, LateTrip, RaisingTrip, InterruptedTrip, StubbornTrip)
    async with trips_by(env, *workflows) as trips:
        yield trips


async def test_a_cancel_reaches_a_saga_that_sleeps_between_its_steps(trips: Trips) -> None:
    handle = await trips.begin("WaitingTrip", skip_time=False)
    async for event in handle.fetch_history_events(wait_new_event=True):
        if event.HasField("timer_started_event_attributes"):
            break
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(handle.result(), PATIENCE)
    assert trips.agency.calls == ["flight", "cancel flight"]
    description = await handle.describe()
    assert description.status is not None
    assert description.status.name == "CANCELED"


async def _cancelled_while_the_flight_is_booked(trips: Trips) -> list[HistoryEvent]:
    """Return the history of a trip whose booking ends well after it was asked to be cancelled."""
    trips.agency.open.clear()
    handle = await trips.begin("WaitingTrip", skip_time=False)
    await asyncio.to_thread(trips.agency.asked.wait, 20)
    await handle.cancel()
    async for event in handle.fetch_history_events(wait_new_event=True):
        if event.HasField("activity_task_cancel_requested_event_attributes"):
            break
    trips.agency.open.set()
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(handle.result(), PATIENCE)
    return [event async for event in handle.fetch_history_events()]


async def test_a_cancel_that_a_completing_step_absorbs_still_ends_the_saga_before_its_sleep(
    trips: Trips,
) -> None:
    history = await _cancelled_while_the_flight_is_booked(trips)
    assert trips.agency.calls == ["flight", "cancel flight"]
    assert not any(event.HasField("timer_started_event_attributes") for event in history)


async def test_an_undo_is_not_even_asked_for_before_the_attempt_under_way_has_ended(
    trips: Trips,
) -> None:
    """Services with a fence bear it; those without would book what was just cancelled."""
    history = await _cancelled_while_the_flight_is_booked(trips)
    asked = [e for e in history if e.HasField("activity_task_scheduled_event_attributes")]
    ended = [e for e in history if e.HasField("activity_task_completed_event_attributes")]
    flight = ended[0].activity_task_completed_event_attributes.scheduled_event_id
    assert flight == asked[0].event_id
    assert asked[1].event_id > ended[0].event_id


async def test_a_deadline_that_passes_between_two_steps_turns_the_saga_back(trips: Trips) -> None:
    handle = await trips.begin("LateTrip")
    result = await trips.rolls_back(handle)
    assert result.error == "deadline passed before car"
    assert (result.status, result.failed_step) == ("FAILED", None)
    assert trips.agency.calls == ["flight", "cancel flight"]


async def test_what_the_sagas_own_code_raises_is_undone_as_well(trips: Trips) -> None:
    handle = await trips.begin("RaisingTrip")
    result = await trips.rolls_back(handle)
    assert result.error == "the passport has expired (Passport)"
    assert result.failed_step is None
    assert trips.agency.calls == ["flight", "cancel flight"]


async def test_a_saga_whose_own_code_is_interrupted_does_not_count_as_done(trips: Trips) -> None:
    result = await trips.rolls_back(await trips.begin("InterruptedTrip"))
    assert (result.status, result.error) == ("FAILED", "interrupted")
    assert trips.agency.calls == ["flight", "cancel flight"]


async def test_no_step_begins_after_the_saga_turned_back(trips: Trips) -> None:
    trips.agency.refuse = frozenset({"hotel"})
    handle = await trips.begin("StubbornTrip")
    result = await trips.rolls_back(handle)
    assert result.status == "FAILED"
    assert trips.agency.calls == ["flight", "hotel", "cancel flight"]
    assert SagaStatus.FAILED.value == result.status
