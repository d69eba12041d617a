"""Independent steps at the same time: none is given up while it may still have its effect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowFailureError
from temporalio.testing import WorkflowEnvironment

from messages.sagas import SagaSucceeded
from tests.harness.runs import Run, resolve, scheduled
from tests.harness.sales import sales_in
from tests.harness.trips import CAR, FLIGHT, HOTEL, Trips, booking, trips_by
from tests.harness.waiting import PATIENCE, until
from workflows.orchestration.saga import Saga


async def _book_at_once(saga: Saga) -> None:
    await asyncio.gather(
        saga.step(FLIGHT, partial(booking, "flight")),
        saga.step(HOTEL, partial(booking, "hotel")),
    )
    await saga.step(CAR, partial(booking, "car"))


@workflow.defn
class QuickTrip:
    """Books flight and hotel at the same time, and then the car."""

    @workflow.run
    async def run(self) -> SagaSucceeded:
        return await Saga("trip", (FLIGHT, HOTEL, CAR), timedelta(hours=1)).run(_book_at_once)


@pytest.fixture
async def trips(env: WorkflowEnvironment) -> AsyncIterator[Trips]:
    async with trips_by(env, QuickTrip) as trips:
        yield trips
        trips.agency.open.set()


async def _until_both_are_asked(trips: Trips) -> None:
    async def asked() -> bool:
        return len(trips.agency.calls) == 2

    await until(asked)


async def test_both_are_under_way_before_either_has_ended(trips: Trips) -> None:
    trips.agency.open.clear()
    trip = await trips.begin("QuickTrip", skip_time=False)
    await _until_both_are_asked(trips)
    assert trips.agency.keys == []
    trips.agency.open.set()
    assert await trip.result() == SagaSucceeded(saga_id="trip", completed_steps=3)
    assert trips.agency.calls[2:] == ["car"]


@pytest.mark.parametrize("refused", ["flight", "hotel"])
async def test_when_one_is_refused_the_other_is_awaited_and_undone(
    trips: Trips, refused: str
) -> None:
    other = {"flight": "hotel", "hotel": "flight"}[refused]
    trips.agency.refuse = frozenset({refused})
    trips.agency.hold(other)
    trip = await trips.begin("QuickTrip", skip_time=False)
    await _until_both_are_asked(trips)
    await _until_asked_to_end(trip, 1)
    assert f"cancel {other}" not in trips.agency.calls
    trips.agency.let_go()
    result = await trips.rolls_back(trip)
    assert (result.failed_step, result.compensated_steps) == (refused, (other,))
    assert sorted(trips.agency.calls[:2]) == ["flight", "hotel"]
    assert trips.agency.calls[2:] == [f"cancel {other}"]


async def test_the_retries_of_the_other_end_at_once(trips: Trips) -> None:
    """The hotel would be tried for five minutes; the flight is refused when it has failed once."""
    trips.agency.fail = frozenset({"hotel"})
    trips.agency.refuse = frozenset({"flight"})
    trip = await trips.begin("QuickTrip", skip_time=False)
    result = await trips.rolls_back(trip)
    assert result.compensated_steps == ("hotel",)


@pytest.mark.parametrize("cancelled", [False, True])
async def test_all_that_stands_is_undone_in_reverse_order(trips: Trips, cancelled: bool) -> None:
    trips.agency.refuse = frozenset() if cancelled else frozenset({"car"})
    trips.agency.open.clear()
    trip = await trips.begin("QuickTrip", skip_time=False)
    await _until_both_are_asked(trips)
    if cancelled:
        await trip.cancel()
        await _until_asked_to_end(trip, 2)
    trips.agency.open.set()
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(trip.result(), PATIENCE)
    undone = [call for call in trips.agency.calls if call.startswith("cancel")]
    assert undone == ["cancel hotel", "cancel flight"]
    assert ("car" in trips.agency.calls) is not cancelled


async def _until_asked_to_end(trip: Run, steps: int) -> None:
    """Wait until the saga has cancelled that many actions, which are still under way."""

    async def asked() -> bool:
        events = (await trip.fetch_history()).events
        return steps == sum(
            event.HasField("activity_task_cancel_requested_event_attributes") for event in events
        )

    await until(asked)


async def test_retriable_steps_at_the_same_time_wait_for_an_operator_each(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    async with sales_in(env, tmp_path) as sales:
        for step in ("capture", "send_receipt"):
            sales.services.trouble(step, "permanent after")
        sale = await sales.begin(at_once=True)
        await sales.until_parked(sale, "capture")
        await sales.until_parked(sale, "send_receipt")
        await resolve(sale, "keep", "send_receipt")
        await resolve(sale, "retry", "capture")
        assert isinstance(await sales.end(sale), SagaSucceeded)
        assert await scheduled(sale) == [
            *("authorize", "ship", "capture", "send_receipt", "settle_sale", "capture")
        ]
