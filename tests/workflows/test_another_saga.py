"""The executor serves any saga: here a trip that needs a flight, a hotel and a car."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from messages.sagas import SagaSucceeded, SagaView
from tests.harness.trips import CAR, FLIGHT, HOTEL, Trips, booking, trips_by
from workflows.orchestration.saga import Saga


async def _book_trip(saga: Saga) -> None:
    flight = await saga.step(FLIGHT, partial(booking, "flight"))
    # What one step answers may be what the next one is asked for.
    what = f"hotel near gate {flight.number}"
    await saga.step(HOTEL, partial(booking, what))
    await saga.step(CAR, partial(booking, "car"))


@workflow.defn
class Trip:
    """Books all three, or none."""

    @workflow.run
    async def run(self, parallel: bool) -> SagaSucceeded:
        self._saga = Saga(
            "trip", (FLIGHT, HOTEL, CAR), timedelta(hours=1), parallel_compensation=parallel
        )
        return await self._saga.run(_book_trip)

    @workflow.query
    def status(self) -> SagaView:
        return self._saga.view()


@pytest.fixture
async def trips(env: WorkflowEnvironment) -> AsyncIterator[Trips]:
    async with trips_by(env, Trip) as trips:
        yield trips


async def test_each_step_gets_its_own_key_and_may_use_the_answer_of_an_earlier_one(
    trips: Trips,
) -> None:
    handle = await trips.begin("Trip", False)
    assert await handle.result() == SagaSucceeded(saga_id="trip", completed_steps=3)
    assert trips.agency.calls == ["flight", "hotel near gate 7", "car"]
    prefix = f"{handle.id}/{handle.first_execution_run_id}"
    assert trips.agency.keys == [f"{prefix}/flight", f"{prefix}/hotel", f"{prefix}/car"]


async def test_a_refused_step_undoes_the_others_in_reverse_order(trips: Trips) -> None:
    trips.agency.refuse = frozenset({"car"})
    handle = await trips.begin("Trip", False)
    result = await trips.rolls_back(handle)
    assert result.failed_step == "car"
    assert result.compensated_steps == ("hotel", "flight")
    assert trips.agency.calls[3:] == ["cancel hotel near gate 7", "cancel flight"]


async def test_compensations_may_run_in_parallel(trips: Trips) -> None:
    trips.agency.refuse = frozenset({"car"})
    handle = await trips.begin("Trip", True)
    result = await trips.rolls_back(handle)
    assert sorted(result.compensated_steps) == ["flight", "hotel"]
    assert await _both_were_scheduled_by_one_task(trips.env.client, handle.id)


async def _both_were_scheduled_by_one_task(client: Client, workflow_id: str) -> bool:
    decided = [
        event.activity_task_scheduled_event_attributes.workflow_task_completed_event_id
        async for event in client.get_workflow_handle(workflow_id).fetch_history_events()
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    return decided[-1] == decided[-2]
