"""A shop for each test: real services with real ledgers, a worker, and trouble on demand."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from messages.base import Resolution
from messages.ids import order_choreography_id
from messages.orders import Order
from messages.runs import ExaminedRun
from messages.sagas import SagaRolledBack, SagaStatus, SagaSucceeded, SagaView, StepState
from runs.examination import TemporalRuns
from services.audit import RunRef, SagaFact, audit
from services.faults import FaultPlan
from services.mock import Services, open_services
from settings import Settings
from tests.harness import ledgers
from tests.harness.gates import Gates
from tests.harness.server import in_real_time
from tests.harness.watched import Watch, WatchedServices
from worker import worker_config
from workflows import policies
from workflows.choreography.order_choreography import OrderChoreography
from workflows.orchestration.order_saga import STEPS, OrderSaga
from workflows.policies import DeliveryPolicy

Handle = WorkflowHandle[OrderSaga, SagaSucceeded]
ChoreographyHandle = WorkflowHandle[OrderChoreography, SagaSucceeded]
AnyHandle = Handle | ChoreographyHandle

#: Real seconds after which a condition that a test waits for counts as never coming.
PATIENCE = 60.0


class Policies(Protocol):
    """Changes the policies of every step for one test."""

    def __call__(
        self,
        *,
        attempt: float | None = None,
        window: float | None = None,
        pause: float | None = None,
        attempts: int | None = None,
    ) -> None: ...


@pytest.fixture
def policies_with(monkeypatch: pytest.MonkeyPatch) -> Policies:
    """Set seconds for one attempt, for all attempts, and between them.

    Deliveries of events know no window; of these, ``attempts`` sets how many are made.
    """

    def change(
        *,
        attempt: float | None = None,
        window: float | None = None,
        pause: float | None = None,
        attempts: int | None = None,
    ) -> None:
        for name in ("DELIVERY", "UNDO_DELIVERY"):
            delivery = _hastened(getattr(policies, name), attempt, pause, attempts)
            monkeypatch.setattr(policies, name, delivery)
        forward = policies.FORWARD
        if attempt is not None:
            forward = replace(forward, attempt=timedelta(seconds=attempt))
        if window is not None:
            forward = replace(forward, window=timedelta(seconds=window))
        if pause is not None:
            wait = timedelta(seconds=pause)
            retry = RetryPolicy(initial_interval=wait, maximum_interval=wait)
            forward = replace(forward, retry=retry)
            compensation = replace(policies.COMPENSATION, retry=retry)
            monkeypatch.setattr(policies, "COMPENSATION", compensation)
        # The sandbox imports the workflow anew for each run, and the policies from here.
        monkeypatch.setattr(policies, "FORWARD", forward)

    return change


def _hastened(
    delivery: DeliveryPolicy, attempt: float | None, pause: float | None, attempts: int | None
) -> DeliveryPolicy:
    retry = delivery.retry
    if pause is not None:
        wait = timedelta(seconds=pause)
        retry = replace(retry, initial_interval=wait, maximum_interval=wait)
    if attempts is not None:
        retry = replace(retry, maximum_attempts=attempts)
    length = delivery.attempt if attempt is None else timedelta(seconds=attempt)
    return replace(delivery, attempt=length, retry=retry)


class Shop:
    """What a test does with the system, and what it sees of it."""

    def __init__(self, env: WorkflowEnvironment, settings: Settings, services: Services) -> None:
        self.env = env
        self.settings = settings
        self.services = services
        self.runs = TemporalRuns(env.client, settings.task_queue)
        self._placed: list[AnyHandle] = []

    async def start(self, order: Order, *, skip_time: bool = True) -> Handle:
        """Place an order; without skipping, time passes as on a clock."""
        if not skip_time:
            async with in_real_time(self.env):
                return await self.start(order)
        handle = await self.env.client.start_workflow(
            OrderSaga.run,
            order,
            id=f"order_saga_{order.order_id}",
            task_queue=self.settings.task_queue,
        )
        self._placed.append(handle)
        return handle

    async def start_in_real_time(self, order: Order) -> Handle:
        """Place an order, with time passing as on a clock."""
        return await self.start(order, skip_time=False)

    async def create(self, order: Order) -> ChoreographyHandle:
        """Place an order among services that only tell and react.

        Time passes as on a clock: while its events are delivered, the order's own workflow only
        waits, and would be skipped to its deadline.
        """
        async with in_real_time(self.env):
            handle = await self.env.client.start_workflow(
                OrderChoreography.run,
                order,
                id=order_choreography_id(order.order_id),
                task_queue=self.settings.task_queue,
            )
        self._placed.append(handle)
        return handle

    async def outcome(self, handle: AnyHandle) -> SagaSucceeded | SagaRolledBack:
        """How the run ended, whichever way it was closed."""
        try:
            return await asyncio.wait_for(handle.result(), PATIENCE)
        except WorkflowFailureError as failure:
            if isinstance(failure.cause, ApplicationError):
                return SagaRolledBack.model_validate(failure.cause.details[0])
        description = await handle.describe()
        return await description.memo_value("result", type_hint=SagaRolledBack)

    async def outcome_after(
        self, handle: AnyHandle, seconds: float
    ) -> SagaSucceeded | SagaRolledBack:
        """How the run ended, when that much of its own time passes at once."""
        passing = asyncio.ensure_future(self.env.fast_forward(handle, seconds))
        try:
            return await self.outcome(handle)
        finally:
            passing.cancel()

    async def place(self, order: Order) -> SagaSucceeded | SagaRolledBack:
        """Place an order and see it through."""
        return await self.outcome(await self.start(order))

    async def facts(self) -> dict[str, SagaFact]:
        """What the audit has to know of each run: how it ended, by its first run id."""
        return {
            handle.first_execution_run_id or "": await self._fact(
                self.env.client.get_workflow_handle_for(
                    OrderSaga.run, handle.id, run_id=handle.first_execution_run_id
                )
            )
            for handle in self._placed
        }

    async def examined(self, run: RunRef) -> ExaminedRun:
        """What Temporal knows of a run that can be read."""
        examined = await self.runs.examine(run)
        assert isinstance(examined, ExaminedRun), examined
        return examined

    async def _fact(self, run: Handle) -> SagaFact:
        fact = (await self.examined(RunRef(run.id, run.run_id or ""))).fact
        if fact.status in ("terminated", "gone"):
            return fact
        if fact.status != "open" and await self._was_replaced(run):
            return fact  # of the run that a reset has made of it
        outcome = await self.outcome(run)
        if isinstance(outcome, SagaSucceeded):
            return SagaFact(saga_id=run.id, status="succeeded")
        return SagaFact(
            saga_id=run.id, status="rolled_back", resolved_manually=outcome.resolved_manually
        )

    async def _was_replaced(self, run: AnyHandle) -> bool:
        try:
            described = await run.describe()
            reset_to = described.raw_description.workflow_extended_info.reset_run_id
            return described.status is WorkflowExecutionStatus.TERMINATED or bool(reset_to)
        except RPCError:
            return True  # and then deleted

    async def closed_as(self, handle: AnyHandle) -> WorkflowExecutionStatus | None:
        """Temporal's own word on how the run closed."""
        return (await handle.describe()).status

    async def status(self, handle: AnyHandle) -> SagaView:
        view: SagaView = await handle.query("status", result_type=SagaView)
        return view

    def standing(self, order: Order) -> list[str]:
        """The steps of the order whose effects stand in the ledgers, in the saga's order."""
        return self.standing_of(order.order_id)

    def standing_of(self, order_id: str) -> list[str]:
        """The same, by the order's id."""
        found = ledgers.standing_steps(self.settings, order_id)
        return [step.name for step in STEPS if step.name in found]

    def decisions(self, order: Order) -> dict[str, Resolution]:
        """By step, what operators have recorded in the ledgers about the order."""
        return ledgers.decisions(self.settings, order.order_id)

    def effects(self, order: Order) -> int:
        """How many effects the order ever had, undone ones included."""
        return ledgers.effects(self.settings, order.order_id)

    def operations(self) -> int:
        """How many operations of any order ever reached a service."""
        return ledgers.operations(self.settings)

    def new_worker(self) -> Worker:
        """A worker like the product's own."""
        return Worker(**worker_config(self.env.client, self.services, self.settings))

    @asynccontextmanager
    async def gated_worker(self, gates: Gates) -> AsyncIterator[None]:
        """A worker like the product's own, with gates before its activities."""
        config = worker_config(self.env.client, self.services, self.settings)
        config["interceptors"] = [*config.get("interceptors", ()), gates]
        async with Worker(**config):
            try:
                yield
            finally:
                gates.open_all()

    def deciding_worker(self) -> Worker:
        """A worker that runs the sagas, but none of their activities."""
        config = worker_config(self.env.client, self.services, self.settings)
        config["activities"] = []
        return Worker(**config)

    def acting_worker(self) -> Worker:
        """A worker that runs the activities, but decides nothing."""
        config = worker_config(self.env.client, self.services, self.settings)
        config["workflows"] = []
        return Worker(**config)

    def forgetful_worker(self) -> Worker:
        """A worker that keeps no run in memory, so that each task replays the whole history."""
        config = worker_config(self.env.client, self.services, self.settings)
        config["max_cached_workflows"] = 0
        return Worker(**config)

    async def until_completed(self, handle: WorkflowHandle[Any, Any], *, activities: int) -> None:
        """Wait until that many activities of the run are recorded as completed."""

        async def reached() -> bool:
            events = (await handle.fetch_history()).events
            done = [e for e in events if e.HasField("activity_task_completed_event_attributes")]
            return len(done) == activities

        await until(reached)

    async def reset_to_its_first_task(self, handle: AnyHandle) -> Handle:
        """``temporal workflow reset --type FirstWorkflowTask``."""
        return await self.reset_to_task(handle, 1)

    async def reset_to_task(self, handle: AnyHandle, nth: int) -> Handle:
        """Reset to the end of the run's nth workflow task."""
        done = [
            event.event_id
            for event in (await handle.fetch_history()).events
            if event.HasField("workflow_task_completed_event_attributes")
        ]
        reset = await self.env.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=self.env.client.namespace,
                workflow_execution=WorkflowExecution(
                    workflow_id=handle.id, run_id=handle.first_execution_run_id or ""
                ),
                reason="test",
                request_id=str(uuid.uuid4()),
                workflow_task_finish_event_id=done[nth - 1],
            )
        )
        return self.env.client.get_workflow_handle_for(
            OrderSaga.run, handle.id, run_id=reset.run_id
        )

    async def until_step(self, handle: AnyHandle, step: str, state: StepState) -> None:
        """Wait until the status query shows the step in the state."""
        await until(lambda: self._is_in(handle, step, state))

    async def until_status(self, handle: AnyHandle, status: SagaStatus) -> None:
        async def reached() -> bool:
            return (await self.status(handle)).status is status

        await until(reached)

    async def until_listed_as(self, handle: WorkflowHandle[Any, Any], status: SagaStatus) -> None:
        """Wait until one search-attribute query finds the run."""
        query = f'SagaStatus = "{status.value}" AND WorkflowId = "{handle.id}"'

        async def listed() -> bool:
            return (await self.env.client.count_workflows(query)).count == 1

        await until(listed)

    async def _is_in(self, handle: AnyHandle, step: str, state: StepState) -> bool:
        return any(s.name == step and s.state is state for s in (await self.status(handle)).steps)

    async def until_attempt(self, handle: Handle, activity: str, *, running: bool) -> None:
        """Wait until an attempt of the activity runs, or until it waits for its next one."""
        wanted = 2 if running else 1  # PENDING_ACTIVITY_STATE_STARTED, …_SCHEDULED

        async def reached() -> bool:
            description = await handle.describe()
            return any(
                a.activity_type.name == activity
                and a.state == wanted
                and (running or a.HasField("last_failure"))
                for a in description.raw_description.pending_activities
            )

        await until(reached)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for an async condition to hold.

    Raises:
        TimeoutError: it did not hold in time.
    """
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError("what the test waited for never came")
        await asyncio.sleep(0.02)


class OpenShop(Protocol):
    """Opens a shop whose services follow a fault plan; its ledgers must balance at the end."""

    def __call__(
        self, *faults: Mapping[str, object], worker: bool = True
    ) -> AbstractAsyncContextManager[Shop]: ...


@pytest.fixture
def open_shop(env: WorkflowEnvironment, tmp_path: Path) -> OpenShop:
    def opened(
        *faults: Mapping[str, object], worker: bool = True
    ) -> AbstractAsyncContextManager[Shop]:
        return a_shop(env, tmp_path / "data", *faults, worker=worker)

    return opened


@asynccontextmanager
async def a_shop(
    env: WorkflowEnvironment,
    data_dir: Path,
    *faults: Mapping[str, object],
    worker: bool = True,
    watch: Watch | None = None,
) -> AsyncIterator[Shop]:
    """A shop with its ledgers in a folder; see :class:`OpenShop`. ``watch`` sees each call."""
    settings = Settings(data_dir=data_dir, task_queue=f"shop-{uuid.uuid4()}")
    plan = FaultPlan.model_validate({"seed": 1, "fault": faults})
    with closing(open_services(settings.ledger_urls(), plan)) as services:
        shop = Shop(env, settings, WatchedServices.of(services, watch) if watch else services)
        if worker:
            async with shop.new_worker():
                yield shop
        else:
            yield shop
    # By now every attempt that was given up has landed as well, too late or not.
    report = audit(settings.ledger_urls(), await shop.facts())
    assert report.violations == ()
