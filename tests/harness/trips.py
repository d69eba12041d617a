"""Trips, which need a flight, a hotel and a car: the steps of another saga than the order's."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from messages.base import Message, Reversal
from messages.sagas import SagaRolledBack, SagaSucceeded
from tests.harness.runs import Run
from tests.harness.server import in_real_time
from tests.harness.waiting import PATIENCE
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
    """Books and cancels; notes each call in order; refuses and fails as it is told to."""

    refuse: frozenset[str] = frozenset()
    fail: frozenset[str] = frozenset()
    calls: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)
    _held: dict[str, threading.Event] = field(default_factory=dict)

    def hold(self, what: str) -> None:
        """Hold the booking of this one thing."""
        self._held[what] = threading.Event()

    def let_go(self) -> None:
        """Hold nothing any more."""
        for held in self._held.values():
            held.set()

    def _book(self, booking: Booking, number: int) -> Booked:
        self.calls.append(booking.what)
        self.asked.set()
        self.open.wait(timeout=4)
        if booking.what in self._held:
            self._held[booking.what].wait(timeout=4)
        self.keys.append(booking.idempotency_key)
        if booking.what in self.refuse:
            raise ApplicationError("sold out", type="SoldOut", non_retryable=True)
        if booking.what in self.fail:
            raise ApplicationError("nobody answers the telephone")
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


def _step(name: str, action: Callable[[Agency, Booking], Booked]) -> Step[Booking, Booked]:
    cancel, refusals = Agency.cancel_booking, frozenset({"SoldOut"})
    return Step(name, action, Booked, refusals, compensation=cancel)


FLIGHT = _step("flight", Agency.book_flight)
HOTEL = _step("hotel", Agency.book_hotel)
CAR = _step("car", Agency.book_car)


def booking(what: str, key: str) -> Booking:
    """Return the request for something, under a step's key."""
    return Booking(idempotency_key=key, what=what)


class Trips:
    """Trips of some workflow, whose worker runs."""

    def __init__(self, env: WorkflowEnvironment, agency: Agency, task_queue: str) -> None:
        self.env = env
        self.agency = agency
        self._task_queue = task_queue

    async def begin(self, workflow: str, *arguments: object, skip_time: bool = True) -> Run:
        """Begin a trip; without skipping, time passes as on a clock."""
        async with nullcontext() if skip_time else in_real_time(self.env):
            return await self.env.client.start_workflow(
                workflow,
                args=arguments,
                id=f"trip-{uuid.uuid4()}",
                task_queue=self._task_queue,
                result_type=SagaSucceeded,
            )

    async def rolls_back(self, trip: Run) -> SagaRolledBack:
        """Return the result of a trip that has to be rolled back."""
        with pytest.raises(WorkflowFailureError) as failure:
            await asyncio.wait_for(trip.result(), PATIENCE)
        assert isinstance(failure.value.cause, ApplicationError)
        return SagaRolledBack.model_validate(failure.value.cause.details[0])


@asynccontextmanager
async def trips_by(env: WorkflowEnvironment, *workflows: type) -> AsyncIterator[Trips]:
    """Run a worker for trips by these workflows."""
    agency, queue = Agency(), f"trips-{uuid.uuid4()}"
    agency.open.set()
    async with Worker(
        env.client,
        task_queue=queue,
        workflows=workflows,
        activities=[agency.book_flight, agency.book_hotel, agency.book_car, agency.cancel_booking],
        activity_executor=ThreadPoolExecutor(4),
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield Trips(env, agency, queue)
