"""Orders of a scenario, from placing to the end, with the outcomes told to the customers."""

from __future__ import annotations

import asyncio
import time

from temporalio.client import WorkflowExecutionDescription, WorkflowExecutionStatus

from cli.modes import Mode
from messages.orders import Order
from services.audit import SagaFact
from tests.harness.opening import examined
from tests.harness.runs import first_run
from tests.harness.shop import Handle, Shop
from tests.harness.waiting import PATIENCE
from trials.fuzz.endings import ALL, standing
from trials.fuzz.interfering import Interferer
from trials.fuzz.scenario import DEADLINE, Scenario, Story

_ROLLED_BACK = (WorkflowExecutionStatus.FAILED, WorkflowExecutionStatus.CANCELED)


class Orders:
    """Orders of one scenario, each of which may be placed more than once."""

    def __init__(self, shop: Shop, scenario: Scenario, interferer: Interferer) -> None:
        self._shop = shop
        self._scenario = scenario
        self._interferer = interferer
        named = {order.order_id: order for order in scenario.population.orders()}
        self.stories = dict(zip(named, scenario.stories, strict=True))
        self._orders = {name: self._in_time(named[name]) for name in named}
        self._placed: dict[str, list[Handle]] = {name: [] for name in named}
        self._begun = {name: asyncio.Event() for name in named}
        #: Whether the customer was last told that the order succeeded, by first run id.
        self._told: dict[str, bool] = {}
        #: Problems found right after an order's run had closed.
        self.at_closing: list[str] = []

    @property
    def promised(self) -> frozenset[str]:
        """First run ids of the orders whose customers were last told that they succeeded."""
        return frozenset(run_id for run_id, succeeded in self._told.items() if succeeded)

    @property
    def calm(self) -> frozenset[str]:
        """First run ids of the orders that nothing prevented from succeeding."""
        if self._scenario.scarce or self._scenario.swap is not None:
            return frozenset()
        return frozenset(
            first_run(self._placed[name][0]) for name, story in self.stories.items() if story.calm
        )

    def saga_id(self, order_id: str) -> str:
        """Return the order's workflow id; other scenarios have orders of that name, too."""
        return self._scenario.mode.saga_id(f"{order_id}-{self._shop.settings.task_queue}")

    async def handle(self, order_id: str) -> Handle:
        """Return the handle of the order's latest run."""
        await self._begun[order_id].wait()
        return self._placed[order_id][-1]

    async def place(self, order_id: str) -> None:
        """Place it, for the first time or again."""
        handle = await self._shop.begin(
            self._scenario.mode.workflow,
            self._orders[order_id],
            workflow_id=self.saga_id(order_id),
            skip_time=self._scenario.mode is Mode.ORCHESTRATION,
        )
        self._placed[order_id].append(handle)
        self._begun[order_id].set()

    async def until_closed(self, order_id: str) -> None:
        """Wait until the order's run has closed or was deleted.

        Raises:
            TimeoutError: the run stays open.
        """
        handle = await self.handle(order_id)
        deadline = time.monotonic() + PATIENCE
        while True:
            latest = await self._interferer.latest(handle)
            if latest is None or latest.status is not WorkflowExecutionStatus.RUNNING:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"{handle.id} never ends")
            await asyncio.sleep(0.03)
        if latest is not None and latest.raw_info.first_run_id == handle.first_execution_run_id:
            self._take_its_word(first_run(handle), latest)

    async def forget_its_word(self, order_id: str) -> None:
        """Forget the outcome told before a reset: the order has to close again first."""
        handle = await self.handle(order_id)
        latest = await self._interferer.latest(handle)
        if latest is not None and latest.status is WorkflowExecutionStatus.RUNNING:
            self._told.pop(first_run(handle), None)

    async def facts(self) -> dict[str, SagaFact]:
        """Return what Temporal knows of them, by first run id."""
        placed = (handle for handles in self._placed.values() for handle in handles)
        return {first_run(each): (await examined(self._shop, each)).fact for each in placed}

    def _in_time(self, order: Order) -> Order:
        story: Story = self.stories[order.order_id]
        # After a permanent fault, or with a parked event, the order turns back at its deadline.
        waits = self._scenario.mode is Mode.CHOREOGRAPHY and not story.calm
        soon = story.hurried or story.hopeless or waits
        return order.model_copy(update={"deadline_seconds": DEADLINE if soon else None})

    def _take_its_word(self, run_id: str, closed: WorkflowExecutionDescription) -> None:
        """Note the outcome, and check that a run that closed by itself left all effects or none."""
        succeeded = closed.status is WorkflowExecutionStatus.COMPLETED
        self._told[run_id] = succeeded
        by_itself = succeeded or closed.status in _ROLLED_BACK
        if by_itself and self._scenario.swap is None:
            stands = standing(self._shop.settings.ledger_urls(), run_id)
            if stands != (ALL if succeeded else frozenset()):
                how = closed.status.name if closed.status else ""
                self.at_closing.append(f"{closed.id} is {how}, and {sorted(stands)} stands")
