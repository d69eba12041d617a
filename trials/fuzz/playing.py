"""World of one scenario: fresh ledgers and a real server, until no run is open any more."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from messages.participants import STEP_OF
from messages.wire import UNDO_LEFTOVER
from runs.visibility import IS_PARKED
from services.audit import audit
from settings import Settings
from tests.harness.reconciling import reconcile
from tests.harness.waiting import PATIENCE
from trials.fuzz.endings import Ending, problems
from trials.fuzz.interfering import Interferer
from trials.fuzz.operator import Operator
from trials.fuzz.orders import Orders
from trials.fuzz.scenario import THE_END, Interruption, Scenario
from trials.fuzz.still_open import descriptions
from trials.fuzz.swapping import SwappingShop
from trials.fuzz.versions import OtherVersions

_SERVICE_OF = {step: service for service, step in STEP_OF.items()}
#: Real seconds that an attempt is held up at most while somebody interferes.
_HELD_UP = 5.0
#: Number of reconciliations after which no leftover may remain.
_ENOUGH = 20


class Playing:
    """The system, in the middle of one scenario."""

    def __init__(self, env: WorkflowEnvironment, settings: Settings, scenario: Scenario) -> None:
        self.scenario = scenario
        self._loop = asyncio.get_running_loop()
        versions = OtherVersions()
        self._shop = SwappingShop(
            env, settings, scenario.mode, scenario.plan, self._watch, versions
        )
        self._interferer = Interferer(env.client)
        self._orders = Orders(self._shop, scenario, self._interferer)
        self._operator = Operator(self._shop, lambda run_id: run_id in self._orders.promised)
        stories = self._orders.stories
        for name, story in stories.items():
            versions.are_to_take(self._orders.saga_id(name), story.versions)
        self._pending = {name: list(story.interruptions) for name, story in stories.items()}
        self._at_once: set[asyncio.Task[None]] = set()
        self._calls = 0
        self._counting = threading.Lock()
        self._swap_now = asyncio.Event()
        self._over = asyncio.Event()
        self._swapped: tuple[str, str] | None = None
        self._wrong_ledger = False

    async def play(self) -> Ending:
        """See every order to its end, and mend what it left behind."""
        async with self._shop:
            swapping = asyncio.create_task(self._swap())
            minding = asyncio.create_task(self._mind_the_inbox())
            try:
                await asyncio.gather(*map(self._see_through, self._orders.stories))
                await asyncio.gather(*self._at_once)
                await self._end(swapping)
            finally:
                swapping.cancel()
                self._over.set()
                await minding
        urls = self._shop.settings.ledger_urls()
        report = audit(
            urls,
            await self._orders.facts(),
            retention_seconds=await self._shop.runs.retention_seconds(),
        )
        return Ending(
            report=report,
            ledgers=urls,
            swapped=self._swapped,
            promised=self._orders.promised,
            at_closing=tuple(self._orders.at_closing),
            calm=self._orders.calm,
        )

    async def _end(self, swapping: asyncio.Task[None]) -> None:
        await self._interferer.until_what_was_deleted_is_gone()
        swap = self.scenario.swap
        if swap is not None and swap.operation == THE_END:
            self._swap_now.set()
        swapped_before = self._swap_now.is_set()
        if swapped_before:
            await self._swap_back(swapping)
        await self._reconcile()
        # The operation at which it happens may be the reconciler's.
        if self._swap_now.is_set() and not swapped_before:
            await self._swap_back(swapping)
            await self._reconcile()

    async def _swap_back(self, swapping: asyncio.Task[None]) -> None:
        await swapping
        # The reconciler reads the wrong ledger here, and must undo only what is proved.
        await self._until_nothing_is_open()
        await reconcile(self._shop)
        await self._until_nothing_is_open()
        await self._shop.swap_back()
        self._wrong_ledger = False

    async def _swap(self) -> None:
        swap = self.scenario.swap
        await self._swap_now.wait()
        assert swap is not None
        self._wrong_ledger = True
        url = await self._shop.swap(swap.service, restored=swap.restored)
        self._swapped = (swap.service, url)

    async def _mind_the_inbox(self) -> None:
        while not self._over.is_set():
            await self._operator.empty_the_inbox()
            await asyncio.sleep(0.1)

    async def _see_through(self, order_id: str) -> None:
        await self._orders.place(order_id)
        await self._orders.until_closed(order_id)
        for each in self._orders.stories[order_id].interruptions:
            if each.operation == THE_END:
                await self._interfere(order_id, each)
                await self._orders.until_closed(order_id)

    def _watch(self, operation: str, order_id: str, *, after: bool) -> None:
        with self._counting:
            self._calls += -1 if after else 1
        swap = self.scenario.swap
        if swap is not None:
            if swap.restored and after and _SERVICE_OF.get(operation) == swap.service:
                self._shop.copy(swap.service)
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
        if interruption.what == "reconcile":
            self._at_once.add(asyncio.create_task(self._reconcile_meanwhile()))
        elif interruption.what == "again":
            # Placing the order again while its run is open would change nothing.
            if interruption.operation == THE_END:
                await self._orders.place(order_id)
        else:
            await self._interferer.do(await self._orders.handle(order_id), interruption)
            if interruption.what == "reset":
                await self._orders.forget_its_word(order_id)

    async def _reconcile_meanwhile(self) -> None:
        await reconcile(self._shop)

    async def _until_nothing_is_open(self) -> None:
        """Wait until no run is open, while the operator decides about those in the inbox.

        A leftover takes its request from the ledger. So it may wait for the right one, parked.

        Raises:
            TimeoutError: a run stays open and is in no inbox.
        """
        query = f'TaskQueue = "{self._shop.settings.task_queue}" AND ExecutionStatus = "Running"'
        deadline = time.monotonic() + PATIENCE
        quiet = 0
        while quiet < 2:
            found = [run.id async for run in self._shop.client.list_workflows(query)]
            if self._wrong_ledger:
                waiting = f'{query} AND WorkflowType = "{UNDO_LEFTOVER}" AND {IS_PARKED}'
                parked = {run.id async for run in self._shop.client.list_workflows(waiting)}
                found = [each for each in found if each not in parked]
            quiet = 0 if found or self._calls else quiet + 1
            if time.monotonic() > deadline:
                open_runs = await descriptions(self._shop.client, found)
                raise TimeoutError(f"still open, {self._calls} calls under way:\n{open_runs}")
            await asyncio.sleep(0.05)

    async def _reconcile(self) -> None:
        """Reconcile until nothing remains to be done, or nothing can be with the wrong ledger.

        Raises:
            TimeoutError: something remains after the last attempt.
        """
        for _ in range(_ENOUGH):
            await self._until_nothing_is_open()
            report = await reconcile(self._shop)
            if self._wrong_ledger or (report.all_done and not report.orders):
                return
        raise TimeoutError(f"never reconciled: {report}")


async def play(env: WorkflowEnvironment, scenario: Scenario) -> list[str]:
    """Play a scenario, and return every condition that is violated at its end.

    Raises:
        TimeoutError: a run does not end.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder),
            task_queue=f"fuzz-{uuid.uuid4()}",
            fast_path=scenario.fast_path,
        )
        return problems(await Playing(env, settings, scenario).play())
