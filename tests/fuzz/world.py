"""Plays a scenario on fresh ledgers and a real server, until nothing is open any more."""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path

from temporalio.client import WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment

from cli.modes import Mode
from messages.orders import Order
from messages.requests import STEP_OF
from messages.runs import ExaminedRun, RunRef
from runtime.runs import Runs
from services.audit import SagaFact, audit
from settings import Settings
from tests.fuzz.books import ALL, Ending, problems, standing
from tests.fuzz.hands import Hands
from tests.fuzz.operator import Operator
from tests.fuzz.premises import Premises
from tests.fuzz.scenario import DEADLINE, THE_END, Interruption, Scenario
from tests.fuzz.versions import OtherVersions
from tests.server import in_real_time
from tests.workflows.conftest import AnyHandle
from workflows.choreography.order import OrderChoreography
from workflows.orchestration.order_saga import OrderSaga

_SERVICE_OF = {step: service for service, step in STEP_OF.items()}
#: Real seconds after which an order counts as one that never ends.
PATIENCE = 60.0
_ROLLED_BACK = (WorkflowExecutionStatus.FAILED, WorkflowExecutionStatus.CANCELED)
#: Real seconds that an attempt is held up at most while somebody interferes.
_HELD_UP = 5.0
#: Reconciliations after which nothing may be left.
_ENOUGH = 20


class World:
    """The system, in the middle of one scenario."""

    def __init__(self, env: WorkflowEnvironment, settings: Settings, scenario: Scenario) -> None:
        self.env = env
        self.settings = settings
        self.scenario = scenario
        self._loop = asyncio.get_running_loop()
        self._hands = Hands(env)
        self._runs = Runs(env.client, settings.task_queue)
        self._operator = Operator(env, settings.task_queue, lambda run: self._told.get(run, False))
        self._orders = dict(zip(self._names(), scenario.stories, strict=True))
        self._pending = {name: list(story.interruptions) for name, story in self._orders.items()}
        self._placed: dict[str, list[AnyHandle]] = {name: [] for name in self._orders}
        self._begun = {name: asyncio.Event() for name in self._orders}
        #: By first run id, whether the last word on the order was that it succeeded.
        self._told: dict[str, bool] = {}
        self._at_closing: list[str] = []
        self._calls = 0
        self._at_once: set[asyncio.Task[None]] = set()
        self._swap_now = asyncio.Event()
        self._over = asyncio.Event()
        self._swapped: tuple[str, str] | None = None
        self._premises = Premises(
            env.client, settings, scenario.plan, self._watch, self._other_versions
        )

    async def play(self) -> Ending:
        """See every order to its end, and mend what it left behind."""
        async with self._premises:
            swapping = asyncio.create_task(self._swap())
            minding = asyncio.create_task(self._mind_the_inbox())
            orders = self.scenario.population.orders()
            await asyncio.gather(*(self._see_through(order) for order in orders))
            await asyncio.gather(*self._at_once)
            await self._end(swapping, minding)
        facts = await self._facts()
        urls = self.settings.ledger_urls()
        retention = await self._runs.retention_seconds()
        promised = frozenset(run for run, succeeded in self._told.items() if succeeded)
        report = audit(urls, facts, retention_seconds=retention)
        at_closing = tuple(self._at_closing)
        return Ending(report, urls, self._swapped, promised, at_closing, self._calm())

    def _names(self) -> list[str]:
        return [order.order_id for order in self.scenario.population.orders()]

    def _other_versions(self) -> OtherVersions:
        return OtherVersions(
            {self._saga_id(name): story.versions for name, story in self._orders.items()}
        )

    def _saga_id(self, order_id: str) -> str:
        return self.scenario.mode.saga_id(f"{order_id}-{self.settings.task_queue}")

    async def _end(self, swapping: asyncio.Task[None], minding: asyncio.Task[None]) -> None:
        await self._hands.until_what_was_deleted_is_gone()
        swap = self.scenario.swap
        if swap is not None and swap.operation == THE_END:
            self._swap_now.set()
        if self._swap_now.is_set():
            await swapping
            # Meanwhile the wrong ledger is believed, as far as it may be.
            await self._until_nothing_is_open()
            await self._operator.reconcile()
            await self._until_nothing_is_open()
            await self._premises.swap_back()
        swapping.cancel()
        await self._reconcile()
        self._over.set()
        await minding

    async def _swap(self) -> None:
        swap = self.scenario.swap
        await self._swap_now.wait()
        assert swap is not None
        url = await self._premises.swap(swap.service, restored=swap.restored)
        self._swapped = (swap.service, url)

    async def _mind_the_inbox(self) -> None:
        while not self._over.is_set():
            await self._operator.empty_the_inbox()
            await asyncio.sleep(0.1)

    async def _see_through(self, order: Order) -> None:
        story = self._orders[order.order_id]
        # What never gets better, and an event that is parked, is given up at the deadline.
        waits = self.scenario.mode is Mode.CHOREOGRAPHY and not story.calm
        soon = story.hurried or story.hopeless or waits
        order = order.model_copy(update={"deadline_seconds": DEADLINE if soon else None})
        await self._place(order)
        await self._until_closed(order.order_id)
        for each in story.interruptions:
            if each.operation == THE_END:
                if each.what == "again":
                    await self._place(order)
                else:
                    await self._interfere(order.order_id, each)
                await self._until_closed(order.order_id)

    async def _place(self, order: Order) -> None:
        client, queue = self.env.client, self.settings.task_queue
        saga_id = self._saga_id(order.order_id)
        handle: AnyHandle
        if self.scenario.mode is Mode.ORCHESTRATION:
            handle = await client.start_workflow(OrderSaga.run, order, id=saga_id, task_queue=queue)
        else:
            async with in_real_time(self.env):
                handle = await client.start_workflow(
                    OrderChoreography.run, order, id=saga_id, task_queue=queue
                )
        self._placed[order.order_id].append(handle)
        self._begun[order.order_id].set()

    async def _until_closed(self, order_id: str) -> None:
        handle = self._placed[order_id][-1]
        deadline = time.monotonic() + PATIENCE
        while True:
            latest = await self._hands.latest(handle)
            if latest is None or latest.status is not WorkflowExecutionStatus.RUNNING:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"{handle.id} never ends")
            await asyncio.sleep(0.03)
        if latest is not None and latest.raw_info.first_run_id == handle.first_execution_run_id:
            self._take_its_word(handle.first_execution_run_id or "", latest)

    def _take_its_word(self, run_id: str, closed: WorkflowExecutionDescription) -> None:
        """A run that closes by itself leaves all or nothing, before anybody mends anything."""
        succeeded = closed.status is WorkflowExecutionStatus.COMPLETED
        self._told[run_id] = succeeded
        by_itself = succeeded or closed.status in _ROLLED_BACK
        if by_itself and self.scenario.swap is None:
            stands = standing(self.settings.ledger_urls(), run_id)
            if stands != (ALL if succeeded else frozenset()):
                how = closed.status.name if closed.status else ""
                self._at_closing.append(f"{closed.id} is {how}, and {sorted(stands)} stands")

    def _watch(self, operation: str, order_id: str, *, after: bool) -> None:
        self._calls += -1 if after else 1
        swap = self.scenario.swap
        if swap is not None:
            if swap.restored and after and _SERVICE_OF.get(operation) == swap.service:
                self._premises.copy(swap.service)
            if (swap.operation, swap.after) == (operation, after):
                self._loop.call_soon_threadsafe(self._swap_now.set)
        for each in list(self._pending.get(order_id, ())):
            if (each.operation, each.after) == (operation, after):
                with suppress(ValueError, TimeoutError):
                    self._pending[order_id].remove(each)
                    asyncio.run_coroutine_threadsafe(
                        self._at_this_instant(order_id, each), self._loop
                    ).result(_HELD_UP)

    async def _at_this_instant(self, order_id: str, interruption: Interruption) -> None:
        doing = asyncio.create_task(self._interfere(order_id, interruption))
        self._at_once.add(doing)
        await asyncio.shield(doing)

    async def _interfere(self, order_id: str, interruption: Interruption) -> None:
        await self._begun[order_id].wait()
        handle = self._placed[order_id][-1]
        if interruption.what == "reconcile":
            reconciling = asyncio.create_task(self._reconcile_once())
            self._at_once.add(reconciling)
            return
        await self._hands.do(handle, interruption)
        if interruption.what == "reset":
            latest = await self._hands.latest(handle)
            if latest is not None and latest.status is WorkflowExecutionStatus.RUNNING:
                self._told.pop(handle.first_execution_run_id or "", None)

    async def _reconcile_once(self) -> None:
        await self._operator.reconcile()

    async def _until_nothing_is_open(self) -> None:
        """Wait until no run is open that nobody has to decide on; the operator decides meanwhile.

        Raises:
            TimeoutError: one is, for long: it hangs, and in no inbox.
        """
        query = f'TaskQueue = "{self.settings.task_queue}" AND ExecutionStatus = "Running"'
        deadline = time.monotonic() + PATIENCE
        quiet = 0
        while quiet < 2:
            found = [run.id async for run in self.env.client.list_workflows(query)]
            quiet = 0 if found or self._calls else quiet + 1
            if time.monotonic() > deadline:
                raise TimeoutError(f"still open: {found}, {self._calls} calls under way")
            await asyncio.sleep(0.05)

    async def _reconcile(self) -> None:
        """Reconcile until there is nothing to do any more.

        Raises:
            TimeoutError: there always is.
        """
        for _ in range(_ENOUGH):
            await self._until_nothing_is_open()
            report = await self._operator.reconcile()
            if report.all_done and not report.orders:
                return
        raise TimeoutError(f"never reconciled: {report}")

    async def _facts(self) -> dict[str, SagaFact]:
        facts: dict[str, SagaFact] = {}
        for handle in (handle for placed in self._placed.values() for handle in placed):
            run_id = handle.first_execution_run_id or ""
            examined = await self._runs.examine(RunRef(handle.id, run_id))
            assert isinstance(examined, ExaminedRun), examined
            facts[run_id] = examined.fact
        return facts

    def _calm(self) -> frozenset[str]:
        """The first run of each order that nothing kept from succeeding."""
        if self.scenario.scarce or self.scenario.swap is not None:
            return frozenset()
        return frozenset(
            self._placed[name][0].first_execution_run_id or ""
            for name, story in self._orders.items()
            if story.calm
        )


async def play(env: WorkflowEnvironment, scenario: Scenario) -> list[str]:
    """Play a scenario; returns what is not as it must be in the end.

    Raises:
        TimeoutError: an order, or anything else, never ends.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), task_queue=f"fuzz-{uuid.uuid4()}")
        return problems(await World(env, settings, scenario).play())
