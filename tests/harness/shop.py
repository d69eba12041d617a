"""A shop for each test: real services with real ledgers, a worker, and trouble on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    nullcontext,
)
from typing import Any

from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Interceptor, Worker, WorkerConfig

from cli.modes import Mode
from messages.base import Resolution
from messages.orders import Order
from messages.sagas import SagaRolledBack, SagaStatus, SagaSucceeded, SagaView, StepState
from runs.examination import TemporalRuns
from runtime.encryption import NO_KEYS, Keys
from services.mock import Services
from settings import Settings
from tests.harness import ledgers, runs
from tests.harness.apart import plain, without_services
from tests.harness.gates import Gate, Gates
from tests.harness.runs import Excluded, Run, first_run
from tests.harness.server import in_real_time, with_keys
from tests.harness.steps import STEPS
from tests.harness.waiting import PATIENCE, patient, until
from worker import worker_config

Handle = WorkflowHandle[Any, SagaSucceeded]
Outcome = SagaSucceeded | SagaRolledBack


class Shop:
    """Access of a test to the system: places orders, holds and watches them, reads their ends.

    Args:
        mode: in which orders are placed, unless a test says otherwise.
        keys: encrypt what it sends to the server.
    """

    def __init__(
        self,
        env: WorkflowEnvironment,
        settings: Settings,
        services: Services,
        mode: Mode = Mode.ORCHESTRATION,
        keys: Keys = NO_KEYS,
    ) -> None:
        self.env = env
        self.client = with_keys(env.client, keys)
        self.settings = settings
        self.services = services
        self.mode = mode
        self.runs = TemporalRuns(self.client, settings.task_queue)
        #: Holds activities of orders on their way to a service.
        self.gates = Gates()
        #: Judged by the audit at the end.
        self.placed: list[Handle] = []

    async def place(
        self, order: Order, mode: Mode | None = None, *, skip_time: bool = False, **options: Any
    ) -> Handle:
        """Place an order.

        Args:
            skip_time: time in which nothing happens is skipped. Not among services that only
                tell and react: while events are delivered, the order's own workflow only waits,
                and would be skipped to its deadline.
        """
        mode = mode or self.mode
        handle = await self.begin(
            mode.workflow,
            order,
            workflow_id=mode.saga_id(order.order_id),
            skip_time=skip_time and mode is Mode.ORCHESTRATION,
            result_type=SagaSucceeded,
            **options,
        )
        self.placed.append(handle)
        return handle

    async def begin(
        self,
        workflow: str,
        *arguments: object,
        workflow_id: str,
        skip_time: bool = False,
        **options: Any,
    ) -> Run:
        """Begin any workflow, as anybody may who can reach the server, and keep no account of it.

        Time passes as on a clock, unless it is to be skipped.
        """
        options = {"task_queue": self.settings.task_queue, **options}
        async with nullcontext() if skip_time else in_real_time(self.env):
            return await self.client.start_workflow(
                workflow, args=arguments, id=workflow_id, **options
            )

    def hold(self, order: Order, activity: str, mode: Mode | None = None) -> Gate:
        """Hold an activity of the order, or of the deliveries of its events, from now on."""
        return self.gates.close((mode or self.mode).saga_id(order.order_id), activity)

    async def outcome(self, handle: Handle) -> Outcome:
        """Return how the run ended, whichever way it was closed."""
        try:
            return await asyncio.wait_for(handle.result(), PATIENCE)
        except WorkflowFailureError as failure:
            if isinstance(failure.cause, ApplicationError):
                return SagaRolledBack.model_validate(failure.cause.details[0])
        description = await handle.describe()
        return await description.memo_value("result", type_hint=SagaRolledBack)

    async def outcome_after(self, handle: Handle, seconds: float) -> Outcome:
        """Return how the run ended, when that much of its own time passes at once."""
        passing = asyncio.ensure_future(self.env.fast_forward(handle, seconds))
        try:
            return await self.outcome(handle)
        finally:
            passing.cancel()

    async def succeeds(self, handle: Handle) -> SagaSucceeded:
        """Return the result of an order that has to succeed."""
        outcome = await self.outcome(handle)
        assert isinstance(outcome, SagaSucceeded), outcome
        return outcome

    async def rolls_back(self, handle: Handle) -> SagaRolledBack:
        """Return the result of an order that has to be rolled back."""
        outcome = await self.outcome(handle)
        assert isinstance(outcome, SagaRolledBack), outcome
        return outcome

    async def outcome_of(self, order: Order) -> Outcome:
        """Place an order and see it through; time in which nothing happens is skipped."""
        return await self.outcome(await self.place(order, skip_time=True))

    async def status(self, handle: Run) -> SagaView:
        """Return what the status query answers."""
        view: SagaView = await handle.query("status", result_type=SagaView)
        return view

    async def until_step(self, handle: Run, step: str, state: StepState) -> None:
        """Wait until the status query shows the step in the state."""

        async def reached() -> bool:
            steps = (await self.status(handle)).steps
            return any(s.name == step and s.state is state for s in steps)

        await until(reached)

    async def until_status(self, handle: Run, status: SagaStatus) -> None:
        """Wait until the status query shows the status."""

        async def reached() -> bool:
            return (await self.status(handle)).status is status

        await until(reached)

    async def until_listed_as(self, handle: Run, status: SagaStatus) -> None:
        """Wait until one search-attribute query finds the run."""
        query = f'SagaStatus = "{status.value}" AND WorkflowId = "{handle.id}"'

        async def listed() -> bool:
            return (await self.client.count_workflows(query)).count == 1

        await until(listed)

    def standing(self, order: Order) -> list[str]:
        """Return the steps of the order whose effects stand, in the saga's order."""
        found = ledgers.standing_steps(self.settings, order.order_id)
        return [step for step in STEPS if step in found]

    def decisions(self, order: Order) -> dict[str, Resolution]:
        """Return, by step, what operators have recorded in the ledgers about the order."""
        return ledgers.decisions(self.settings, order.order_id)

    def states(self, order: Order) -> dict[str, list[str]]:
        """Return, by step, what the ledgers say of it in each run of the order."""
        return ledgers.states(self.settings, order.order_id)

    def effects(self, order: Order) -> int:
        """Return how many effects the order ever had, undone ones included."""
        return ledgers.effects(self.settings, order.order_id)

    def operations(self) -> int:
        """Return how many operations of any order ever reached a service."""
        return ledgers.operations(self.settings)

    @asynccontextmanager
    async def worker(
        self,
        *,
        workflows: Sequence[type] | None = None,
        activities: Sequence[Callable[..., Any]] | None = None,
        interceptors: Sequence[Interceptor] = (),
        config: WorkerConfig | None = None,
        **changes: Any,
    ) -> AsyncIterator[Worker]:
        """Run a worker like the product's own, with other workflows, activities or options."""
        config = config or worker_config(plain(self.client), self.services, self.settings)
        if workflows is not None:
            config["workflows"] = workflows
        if activities is not None:
            config["activities"] = activities
        config["interceptors"] = [*config.get("interceptors", ()), self.gates, *interceptors]
        options: dict[str, Any] = {**config, **changes}
        async with patient(Worker(**options)) as worker:
            try:
                yield worker
            finally:
                if config["activities"]:
                    self.gates.open_all()

    def deciding_worker(self) -> AbstractAsyncContextManager[Worker]:
        """Run a worker for the sagas, but for none of the services' activities."""
        return without_services(plain(self.client), self.settings, self.worker)

    def acting_worker(self) -> AbstractAsyncContextManager[Worker]:
        """Run a worker for the activities, but for no saga."""
        return self.worker(workflows=())

    async def reset(self, handle: Run, task: int = 1, exclude: Excluded = ()) -> Handle:
        """Reset a run to its nth workflow task; see :func:`tests.harness.runs.reset`."""
        new = await runs.reset(self.client, *_exactly(handle), task, exclude)
        return self.client.get_workflow_handle(handle.id, run_id=new, result_type=SagaSucceeded)

    async def terminate(self, handle: Run) -> None:
        """Terminate a run, and wait until Temporal lists it as terminated."""
        await runs.terminate(self.client, handle)

    async def delete(self, handle: Run) -> None:
        """Delete a run, and wait until Temporal does not know it any more."""
        await runs.delete(self.client, *_exactly(handle))
        await runs.until_gone(self.client, *_exactly(handle))


def _exactly(handle: Run) -> tuple[str, str]:
    return handle.id, handle.run_id or first_run(handle)
