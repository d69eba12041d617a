"""Sales, whose worker runs over a ledger of their own."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.common import WorkerDeploymentVersion
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from messages import wire
from messages.sagas import SagaRolledBack, SagaSucceeded, SagaView, StepState
from tests.harness.policies import changed_policies
from tests.harness.runs import Run, closed_as, reset
from tests.harness.server import in_real_time
from tests.harness.waiting import PATIENCE, until
from tests.second_saga.sale import Sale
from tests.second_saga.services import SaleServices
from workflows.orchestration.fast_path import fast


class Sales:
    """Sales of one test."""

    def __init__(self, env: WorkflowEnvironment, services: SaleServices, queue: str) -> None:
        self.services = services
        self._env = env
        self.queue = queue

    async def begin(
        self, *, deadline: float = 3600, at_once: bool = False, skip_time: bool = False
    ) -> Run:
        """Begin a sale, whose order id is its workflow id."""
        order_id = f"sale-{uuid.uuid4()}"
        async with nullcontext() if skip_time else in_real_time(self._env):
            return await self._env.client.start_workflow(
                Sale.run,
                args=(order_id, deadline, at_once),
                id=order_id,
                task_queue=self.queue,
            )

    async def until_begun(self, operation: str) -> None:
        """Wait until an attempt of an operation stands before the service that holds it."""
        assert await asyncio.to_thread(self.services.begun[operation].wait, PATIENCE)

    async def until_parked(self, sale: Run, step: str) -> SagaView:
        """Wait until a step needs an operator."""
        return await self.until_step(sale, step, StepState.NEEDS_INTERVENTION)

    async def until_step(self, sale: Run, step: str, state: StepState) -> SagaView:
        """Wait for the state of a step."""
        seen: list[SagaView] = []

        async def reached() -> bool:
            seen.append(await self.status(sale))
            return any(each.name == step and each.state is state for each in seen[-1].steps)

        await until(reached)
        return seen[-1]

    async def status(self, sale: Run) -> SagaView:
        """Return the answer to the status query."""
        return await sale.query(Sale.status)

    async def end(self, sale: Run) -> SagaSucceeded | SagaRolledBack:
        """Return the result of a sale, and make sure that it is closed as this one demands."""
        try:
            result = await asyncio.wait_for(sale.result(), PATIENCE)
        except WorkflowFailureError as failure:
            if isinstance(failure.cause, ApplicationError):
                return SagaRolledBack.model_validate(failure.cause.details[0])
            assert await closed_as(sale) is WorkflowExecutionStatus.CANCELED
            memo = (await sale.describe()).memo_value
            return await memo(wire.RESULT_MEMO, type_hint=SagaRolledBack)
        assert await closed_as(sale) is WorkflowExecutionStatus.COMPLETED
        return SagaSucceeded.model_validate(result)

    async def reset(self, sale: Run, task: int = 1) -> Run:
        """Reset a sale to the end of its nth workflow task, and return the new run."""
        client = self._env.client
        run_id = await reset(client, sale.id, (await sale.describe()).run_id, task)
        return client.get_workflow_handle(sale.id, run_id=run_id, result_type=SagaSucceeded)


@asynccontextmanager
async def sales_in(
    env: WorkflowEnvironment,
    folder: Path,
    sale: type = Sale,
    *,
    fast_path: bool = False,
    queue: str | None = None,
) -> AsyncIterator[Sales]:
    """Run a worker for sales; attempts that get no answer are over after a second."""
    services, queue = SaleServices(folder), queue or f"sales-{uuid.uuid4()}"
    build = WorkerDeploymentVersion("sales", fast("1") if fast_path else "1")
    worker = Worker(
        env.client,
        task_queue=queue,
        workflows=[sale],
        activities=[*services.activities()],
        activity_executor=ThreadPoolExecutor(8),
        workflow_runner=UnsandboxedWorkflowRunner(),
        deployment_config=WorkerDeploymentConfig(version=build, use_worker_versioning=False),
    )
    with changed_policies(attempt=1, undo_attempt=1):
        async with worker:
            try:
                yield Sales(env, services, queue)
            finally:
                services.let_go()
    services.close()


def assert_rolled_back(result: SagaSucceeded | SagaRolledBack, status: str) -> SagaRolledBack:
    """Assert that nothing of a sale stands any more, for that reason."""
    assert isinstance(result, SagaRolledBack)
    assert result.status == status
    return result
