"""The executor serves any saga: here a trip that needs a flight, a hotel and a car."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from messages.base import Message, Reversal
from messages.sagas import SagaRolledBack, SagaStatus, SagaSucceeded, SagaView
from tests.harness.server import in_real_time
from tests.harness.waiting import PATIENCE
from workflows.orchestration.saga import Saga
from workflows.orchestration.step import Step


class Booking(Message):
    """Something to book."""

    idempotency_key: str
    what: str


class Booked(Message):
    """A booking's number."""

    number: int


@dataclass
class Agency:
    """Books and cancels; notes each call in order; refuses what it is told to refuse."""

    refuse: frozenset[str] = frozenset()
    calls: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def _book(self, booking: Booking, number: int) -> Booked:
        self.calls.append(booking.what)
        self.asked.set()
        self.open.wait(timeout=4)
        self.keys.append(booking.idempotency_key)
        if booking.what in self.refuse:
            raise ApplicationError("sold out", type="SoldOut", non_retryable=True)
        return Booked(number=number)

    @activity.defn
    def book_flight(self, booking: Booking) -> Booked:
        return self._book(booking, 7)

    @activity.defn
    def book_hotel(self, booking: Booking) -> Booked:
        return self._book(booking, 8)

    @activity.defn
    def book_car(self, booking: Booking) -> Booked:
        return self._book(booking, 9)

    @activity.defn
    def cancel_booking(self, booking: Booking) -> Reversal:
        self.calls.append(f"cancel {booking.what}")
        return Reversal(had_effect=True)


FLIGHT = Step("flight", Agency.book_flight, Agency.cancel_booking, Booked, frozenset({"SoldOut"}))
HOTEL = Step("hotel", Agency.book_hotel, Agency.cancel_booking, Booked, frozenset({"SoldOut"}))
CAR = Step("car", Agency.book_car, Agency.cancel_booking, Booked, frozenset({"SoldOut"}))


async def _book_trip(saga: Saga) -> None:
    flight = await saga.step(FLIGHT, lambda key: Booking(idempotency_key=key, what="flight"))
    # What one step answers may be what the next one is asked for.
    what = f"hotel near gate {flight.number}"
    await saga.step(HOTEL, lambda key: Booking(idempotency_key=key, what=what))
    await saga.step(CAR, lambda key: Booking(idempotency_key=key, what="car"))


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


@workflow.defn
class WaitingTrip:
    """Waits between its steps by itself, and swallows what goes wrong meanwhile."""

    @workflow.run
    async def run(self) -> SagaSucceeded:
        async def book_and_wait(saga: Saga) -> None:
            await saga.step(FLIGHT, lambda key: Booking(idempotency_key=key, what="flight"))
            await workflow.sleep(timedelta(days=3))
            await saga.step(CAR, lambda key: Booking(idempotency_key=key, what="car"))

        return await Saga("trip", (FLIGHT, CAR), timedelta(days=9)).run(book_and_wait)


@workflow.defn
class LateTrip:
    """Lets its deadline pass between two steps, while nothing is under way."""

    @workflow.run
    async def run(self) -> SagaSucceeded:
        async def book_too_late(saga: Saga) -> None:
            await saga.step(FLIGHT, partial(_booking, "flight"))
            await workflow.sleep(timedelta(days=3))
            await saga.step(CAR, partial(_booking, "car"))

        return await Saga("trip", (FLIGHT, CAR), timedelta(days=1)).run(book_too_late)


@workflow.defn
class RaisingTrip:
    """Its business code itself gives up after the first step."""

    @workflow.run
    async def run(self) -> SagaSucceeded:
        async def book_and_give_up(saga: Saga) -> None:
            await saga.step(FLIGHT, lambda key: Booking(idempotency_key=key, what="flight"))
            raise ApplicationError("the passport has expired", type="Passport")

        return await Saga("trip", (FLIGHT,), timedelta(hours=1)).run(book_and_give_up)


@workflow.defn
class StubbornTrip:
    """Catches the end of the saga and tries to go on all the same."""

    @workflow.run
    async def run(self) -> SagaSucceeded:
        async def book_whatever_happens(saga: Saga) -> None:
            for step in (FLIGHT, HOTEL, CAR):
                with suppress(Exception):
                    await saga.step(step, partial(_booking, step.name))

        return await Saga("trip", (FLIGHT, HOTEL, CAR), timedelta(hours=1)).run(
            book_whatever_happens
        )


def _booking(what: str, key: str) -> Booking:
    return Booking(idempotency_key=key, what=what)


@pytest.fixture
def agency() -> Agency:
    agency = Agency()
    agency.open.set()
    return agency


@pytest.fixture
async def task_queue(env: WorkflowEnvironment, agency: Agency) -> AsyncIterator[str]:
    queue = f"trips-{uuid.uuid4()}"
    async with Worker(
        env.client,
        task_queue=queue,
        workflows=[Trip, WaitingTrip, LateTrip, RaisingTrip, StubbornTrip],
        activities=[agency.book_flight, agency.book_hotel, agency.book_car, agency.cancel_booking],
        activity_executor=ThreadPoolExecutor(4),
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield queue


async def _rolled_back(handle: WorkflowHandle[Any, SagaSucceeded]) -> SagaRolledBack:
    with pytest.raises(WorkflowFailureError) as failure:
        await asyncio.wait_for(handle.result(), PATIENCE)
    assert isinstance(failure.value.cause, ApplicationError)
    return SagaRolledBack.model_validate(failure.value.cause.details[0])


async def test_each_step_gets_its_own_key_and_may_use_the_answer_of_an_earlier_one(
    env: WorkflowEnvironment, agency: Agency, task_queue: str
) -> None:
    handle = await env.client.start_workflow(
        Trip.run, False, id=f"trip-{uuid.uuid4()}", task_queue=task_queue
    )
    assert await handle.result() == SagaSucceeded(saga_id="trip", completed_steps=3)
    assert agency.calls == ["flight", "hotel near gate 7", "car"]
    prefix = f"{handle.id}/{handle.first_execution_run_id}"
    assert agency.keys == [f"{prefix}/flight", f"{prefix}/hotel", f"{prefix}/car"]


async def test_a_refused_step_undoes_the_others_in_reverse_order(
    env: WorkflowEnvironment, agency: Agency, task_queue: str
) -> None:
    agency.refuse = frozenset({"car"})
    handle = await env.client.start_workflow(
        Trip.run, False, id=f"trip-{uuid.uuid4()}", task_queue=task_queue
    )
    result = await _rolled_back(handle)
    assert result.failed_step == "car"
    assert result.compensated_steps == ("hotel", "flight")
    assert agency.calls[3:] == ["cancel hotel near gate 7", "cancel flight"]


async def test_compensations_may_run_in_parallel(
    env: WorkflowEnvironment, agency: Agency, task_queue: str
) -> None:
    agency.refuse = frozenset({"car"})
    handle = await env.client.start_workflow(
        Trip.run, True, id=f"trip-{uuid.uuid4()}", task_queue=task_queue
    )
    result = await _rolled_back(handle)
    assert sorted(result.compensated_steps) == ["flight", "hotel"]
    assert await _both_were_scheduled_by_one_task(env.client, handle.id)


async def _both_were_scheduled_by_one_task(client: Client, workflow_id: str) -> bool:
    decided = [
        event.activity_task_scheduled_event_attributes.workflow_task_completed_event_id
        async for event in client.get_workflow_handle(workflow_id).fetch_history_events()
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    return decided[-1] == decided[-2]


async def test_a_cancel_reaches_a_saga_that_sleeps_between_its_steps(
    env: WorkflowEnvironment, agency: Agency, task_queue: str
) -> None:
    async with in_real_time(env):
        handle = await env.client.start_workflow(
            WaitingTrip.run, id=f"trip-{uuid.uuid4()}", task_queue=task_queue
        )
    async for event in handle.fetch_history_events(wait_new_event=True):
        if event.HasField("timer_started_event_attributes"):
            break
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(handle.result(), PATIENCE)
    assert agency.calls == ["flight", "cancel flight"]
    description = await handle.describe()
    assert description.status is not None
    assert description.status.name == "CANCELED"


async def _cancelled_while_the_flight_is_booked(
    env: WorkflowEnvironment, agency: Agency, task_queue: str
) -> list[HistoryEvent]:
    """The history of a trip whose booking ends well after it was asked to be cancelled."""
    agency.open.clear()
    async with in_real_time(env):
        handle = await env.client.start_workflow(
            WaitingTrip.run, id=f"trip-{uuid.uuid4()}", task_queue=task_queue
        )
    await asyncio.to_thread(agency.asked.wait, 20)
    await handle.cancel()
    async for event in handle.fetch_history_events(wait_new_event=True):
        if event.HasField("activity_task_cancel_requested_event_attributes"):
            break
    agency.open.set()
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(handle.result(), PATIENCE)
    return [event async for event in handle.fetch_history_events()]


async def test_a_cancel_that_a_completing_step_absorbs_still_ends_the_saga_before_its_sleep(
    env: WorkflowEnvironment, agency: Agency, task_queue: str
) -> None:
    history = await _cancelled_while_the_flight_is_booked(env, agency, task_queue)
    assert agency.calls == ["flight", "cancel flight"]
    assert not any(event.HasField("timer_started_event_attributes") for event in history)


async def test_an_undo_is_not_even_asked_for_before_the_attempt_under_way_has_ended(
    env: WorkflowEnvironment, agency: Agency, task_queue: str
) -> None:
    """Services with a fence bear it; those without would book what was just cancelled."""
    history = await _cancelled_while_the_flight_is_booked(env, agency, task_queue)
    asked = [e for e in history if e.HasField("activity_task_scheduled_event_attributes")]
    ended = [e for e in history if e.HasField("activity_task_completed_event_attributes")]
    flight = ended[0].activity_task_completed_event_attributes.scheduled_event_id
    assert flight == asked[0].event_id
    assert asked[1].event_id > ended[0].event_id


async def test_a_deadline_that_passes_between_two_steps_turns_the_saga_back(
    env: WorkflowEnvironment, agency: Agency, task_queue: str
) -> None:
    handle = await env.client.start_workflow(
        LateTrip.run, id=f"trip-{uuid.uuid4()}", task_queue=task_queue
    )
    result = await _rolled_back(handle)
    assert result.error == "deadline passed before car"
    assert (result.status, result.failed_step) == ("FAILED", None)
    assert agency.calls == ["flight", "cancel flight"]


async def test_what_the_sagas_own_code_raises_is_undone_as_well(
    env: WorkflowEnvironment, agency: Agency, task_queue: str
) -> None:
    handle = await env.client.start_workflow(
        RaisingTrip.run, id=f"trip-{uuid.uuid4()}", task_queue=task_queue
    )
    result = await _rolled_back(handle)
    assert result.error == "the passport has expired (Passport)"
    assert result.failed_step is None
    assert agency.calls == ["flight", "cancel flight"]


async def test_no_step_begins_after_the_saga_turned_back(
    env: WorkflowEnvironment, agency: Agency, task_queue: str
) -> None:
    agency.refuse = frozenset({"hotel"})
    handle = await env.client.start_workflow(
        StubbornTrip.run, id=f"trip-{uuid.uuid4()}", task_queue=task_queue
    )
    result = await _rolled_back(handle)
    assert result.status == "FAILED"
    assert agency.calls == ["flight", "hotel", "cancel flight"]
    assert SagaStatus.FAILED.value == result.status


def test_a_wrong_argument_for_a_step_fails_the_type_check(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    program = tmp_path / "wrong.py"
    program.write_text(
        "from messages.payment import Payment, ProcessPayment\n"
        "from messages.inventory import ReserveInventory\n"
        "from workflows.orchestration.order_saga import RESERVE_INVENTORY, PROCESS_PAYMENT\n"
        "from workflows.orchestration.saga import Saga\n"
        "async def right(saga: Saga, request: ProcessPayment) -> Payment:\n"
        "    return await saga.step(PROCESS_PAYMENT, lambda key: request)\n"
        "async def wrong(saga: Saga, request: ProcessPayment) -> None:\n"
        "    await saga.step(RESERVE_INVENTORY, lambda key: request)\n"
        "async def wrong_reply(saga: Saga, request: ReserveInventory) -> Payment:\n"
        "    return await saga.step(RESERVE_INVENTORY, lambda key: request)\n"
    )
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(program)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in checked.stdout.splitlines() if "error:" in line]
    assert {line.split(":")[1] for line in errors} == {"8", "10"}, checked.stdout
