"""Plays a scenario on fresh ledgers and a real server, to the end of every order."""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from contextlib import closing, suppress
from pathlib import Path

from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from cli.modes import Mode
from messages.deliveries import DeliveryState, DeliveryView, ResolveDeadLetter
from messages.orders import Order
from messages.reconciliation import Reconcile
from messages.runs import ExaminedRun, RunRef
from messages.sagas import CancelOrder, ResolveCompensation, SagaView, StepState
from runtime.runs import Runs
from services.audit import AuditReport, SagaFact, audit
from services.mock import open_services
from settings import Settings
from tests.fuzz.scenario import DEADLINE, Interruption, Scenario
from tests.server import in_real_time
from tests.watched import WatchedServices
from tests.workflows.conftest import AnyHandle
from worker import worker_config
from workflows.choreography.order import OrderChoreography
from workflows.choreography.participants import BY_SERVICE
from workflows.orchestration.order_saga import OrderSaga
from workflows.reconciliation.reconcile_orders import ReconcileOrders

#: Real seconds after which an order counts as one that never ends.
PATIENCE = 60.0


class World:
    """The system, in the middle of one scenario."""

    def __init__(self, env: WorkflowEnvironment, settings: Settings, scenario: Scenario) -> None:
        self.env = env
        self.settings = settings
        self.scenario = scenario
        self._loop = asyncio.get_running_loop()
        self._handles: dict[str, AnyHandle] = {}
        self._placed: dict[str, asyncio.Event] = {}
        self._pending: dict[str, Interruption] = {}

    async def play(self) -> AuditReport:
        """See every order to its end, mend what was terminated, and audit."""
        with closing(open_services(self.settings.ledger_urls(), self.scenario.plan)) as services:
            watched = WatchedServices.of(services, self._watch)
            async with Worker(**worker_config(self.env.client, watched, self.settings)):
                await asyncio.gather(*map(self._see_through, self._orders()))
                await self._until_deliveries_rest()
                await self._reconcile()
        return audit(self.settings.ledger_urls(), await self._facts())

    def _orders(self) -> list[Order]:
        orders = []
        for order, story in zip(
            self.scenario.population.orders(), self.scenario.stories, strict=True
        ):
            # What never gets better, and an event that is parked, is given up at the deadline.
            hopeless = any(trouble.times is None for trouble in story.troubles)
            soon = story.hurried or hopeless or self.scenario.mode is Mode.CHOREOGRAPHY
            orders.append(order.model_copy(update={"deadline_seconds": DEADLINE if soon else None}))
            self._placed[order.order_id] = asyncio.Event()
            if story.interruption is not None:
                self._pending[order.order_id] = story.interruption
        return orders

    async def _see_through(self, order: Order) -> None:
        handle = await self._place(order)
        self._handles[order.order_id] = handle
        self._placed[order.order_id].set()
        ended = asyncio.create_task(self._ended(handle))
        deadline = time.monotonic() + PATIENCE
        while not ended.done():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{handle.id} never ends")
            await self._resolve_what_is_parked(handle)
            await asyncio.wait({ended}, timeout=0.1)

    async def _place(self, order: Order) -> AnyHandle:
        client, queue = self.env.client, self.settings.task_queue
        saga_id = self.scenario.mode.saga_id(f"{order.order_id}-{queue}")
        if self.scenario.mode is Mode.ORCHESTRATION:
            return await client.start_workflow(OrderSaga.run, order, id=saga_id, task_queue=queue)
        async with in_real_time(self.env):
            return await client.start_workflow(
                OrderChoreography.run, order, id=saga_id, task_queue=queue
            )

    async def _ended(self, handle: AnyHandle) -> None:
        with suppress(Exception):  # however it ended: the audit judges
            await handle.result()

    async def _resolve_what_is_parked(self, handle: AnyHandle) -> None:
        with suppress(RPCError):
            view: SagaView = await handle.query("status", result_type=SagaView)
            for step in view.steps:
                if step.state is StepState.NEEDS_INTERVENTION:
                    await self._try_again(handle, step.name)

    async def _try_again(self, handle: AnyHandle, step: str) -> None:
        with suppress(WorkflowUpdateFailedError, RPCError):
            if self.scenario.mode is Mode.ORCHESTRATION:
                decision = ResolveCompensation(
                    step=step, action="retry", operator="fuzz", note="once more"
                )
                await handle.execute_update("resolve_compensation", decision)
                return
            service = next(s for s, p in BY_SERVICE.items() if p.step == step)
            event = f"{handle.id}/{handle.first_execution_run_id}/OrderCancelled"
            letter = self.env.client.get_workflow_handle(f"{event}/{service}")
            await letter.execute_update(
                "resolve_dead_letter",
                ResolveDeadLetter(action="replay", operator="fuzz", note="once more"),
            )

    def _watch(self, operation: str, order_id: str, *, after: bool) -> None:
        interruption = self._pending.get(order_id)
        if interruption is None or (interruption.operation, interruption.after) != (
            operation,
            after,
        ):
            return
        if self._pending.pop(order_id, None) is not None:
            asyncio.run_coroutine_threadsafe(
                self._interfere(order_id, interruption), self._loop
            ).result(PATIENCE)

    async def _interfere(self, order_id: str, interruption: Interruption) -> None:
        await self._placed[order_id].wait()
        handle = self._handles[order_id]
        with suppress(WorkflowUpdateFailedError, RPCError):  # it came too late
            if interruption.what == "native":
                await handle.cancel()
            elif interruption.what == "terminate":
                await handle.terminate("fuzz")
            else:
                await handle.execute_update("cancel_order", CancelOrder(reason="fuzz"))

    async def _until_deliveries_rest(self) -> None:
        """Wait until each delivery is over, or parked; then let an operator discard it."""
        client = self.env.client
        query = (
            f'TaskQueue = "{self.settings.task_queue}" AND WorkflowType = "EventDelivery"'
            ' AND ExecutionStatus = "Running"'
        )
        deadline = time.monotonic() + PATIENCE
        quiet = 0
        while quiet < 2:
            if time.monotonic() > deadline:
                raise TimeoutError("a delivery never ends")
            running = [run async for run in client.list_workflows(query)]
            quiet = 0 if running else quiet + 1
            for run in running:
                handle = client.get_workflow_handle(run.id, run_id=run.run_id)
                with suppress(RPCError, WorkflowUpdateFailedError):
                    view: DeliveryView = await handle.query("status", result_type=DeliveryView)
                    if view.state is DeliveryState.PARKED:
                        await handle.execute_update(
                            "resolve_dead_letter",
                            ResolveDeadLetter(action="discard", operator="fuzz", note="over"),
                        )
            await asyncio.sleep(0.05)

    async def _reconcile(self) -> None:
        if not any(
            story.interruption and story.interruption.what == "terminate"
            for story in self.scenario.stories
        ):
            return
        while not await self._reconciled():
            pass  # the next tick of its schedule finds what could not be undone in this one

    async def _reconciled(self) -> bool:
        try:
            async with in_real_time(self.env):
                await self.env.client.execute_workflow(
                    ReconcileOrders.run,
                    Reconcile(),
                    id=f"reconcile-{uuid.uuid4()}",
                    task_queue=self.settings.task_queue,
                )
        except WorkflowFailureError:
            return False
        return True

    async def _facts(self) -> dict[str, SagaFact]:
        runs = Runs(self.env.client, self.settings.task_queue)
        facts: dict[str, SagaFact] = {}
        for handle in self._handles.values():
            run_id = handle.first_execution_run_id or ""
            examined = await runs.examine(RunRef(handle.id, run_id))
            assert isinstance(examined, ExaminedRun), examined
            facts[run_id] = examined.fact
        return facts


async def play(env: WorkflowEnvironment, scenario: Scenario) -> AuditReport:
    """Play a scenario; what is reported must be clean.

    Raises:
        TimeoutError: an order, or a delivery, never ends.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), task_queue=f"fuzz-{uuid.uuid4()}")
        return await World(env, settings, scenario).play()
