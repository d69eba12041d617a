"""Trial: one check carried out on one contender."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import make_url

from services.payment import PaymentService
from settings import Settings
from tests.harness.builders import an_order
from tests.harness.reconciling import begin, reported
from trials.scoreboard.choreographed import ChoreographedRun
from trials.scoreboard.contenders import Contender
from trials.scoreboard.effects import Effects
from trials.scoreboard.run import Run
from trials.scoreboard.setup import Setup, open_setup


class Trial:
    """Access of a check to a contender.

    Args:
        prefix: begins the ids of all orders of this check, which its faults go by.
    """

    def __init__(self, setup: Setup, prefix: str) -> None:
        self._setup = setup
        self._prefix = prefix
        self.services = setup.shop.services

    def order_id(self, part: str) -> str:
        """Return the id of an order of this check."""
        return f"{self._prefix}.{part}"

    def effects(self, order_id: str) -> Effects:
        """Return the ledgers' word on an order."""
        return Effects(self._setup.shop.settings.ledger_urls(), order_id)

    async def place(
        self,
        part: str = "order",
        *,
        hold: str | None = None,
        newer: str | None = None,
        skip_time: bool = True,
        **changes: object,
    ) -> Run:
        """Place an order.

        Args:
            part: tells the check's orders apart.
            hold: an activity whose attempts are held until they are released. No time is
                skipped then.
            newer: an activity that a worker of a newer version takes.
            skip_time: False if no time may be skipped in any case.
            changes: fields of the order.
        """
        order = an_order(self.order_id(part), **changes)
        content = order.model_dump(mode="json", exclude_none=True)
        if newer:
            self._setup.newer.take(self._workflow_id(order.order_id), self._kind.activity(newer))
        return await self.place_as_it_is(content, hold=hold, skip_time=skip_time and not hold)

    async def place_as_it_is(
        self, content: Mapping[str, object], *, hold: str | None = None, skip_time: bool = True
    ) -> Run:
        """Place what is perhaps no order, past any starter that would look at it."""
        setup, order_id = self._setup, str(content["order_id"])
        workflow_id = self._workflow_id(order_id)
        gate = setup.shop.gates.close(workflow_id, self._kind.activity(hold)) if hold else None
        async with setup.starting:
            handle = await setup.shop.begin(
                setup.contender.workflow,
                content,
                workflow_id=workflow_id,
                # A choreographed order only waits while its events are delivered, and would be
                # skipped to its deadline.
                skip_time=skip_time and not setup.contender.choreographed,
                execution_timeout=_execution_timeout(setup.contender, content),
            )
        run = self._kind(setup.shop.env, handle, setup.contender, self.effects(order_id), gate)
        setup.placed.append(run)
        return run

    async def reconcile(self) -> None:
        """Look for what is left behind, where there is somebody who does that."""
        if self._setup.contender.ours:
            async with self._setup.starting:
                begun = await begin(self._setup.shop)
            await reported(begun)

    async def redeliver_refund(self, run: Run) -> None:
        """Deliver a late copy of the refund's request to the service."""
        await asyncio.to_thread(self.services.get(PaymentService).refund, run.effects.charge())

    @asynccontextmanager
    async def elsewhere(self) -> AsyncIterator[Trial]:
        """Open a trial on separate ledgers of this check; they are the same ones each time."""
        setup, folder = self._setup, self._elsewhere
        env = setup.shop.env
        async with open_setup(env, setup.contender, folder, setup.starting) as own:
            yield Trial(own, self._prefix)

    def lose_ledger(self, service: str) -> None:
        """Delete this service's ledger among the separate ones; an empty one replaces it."""
        url = Settings(data_dir=self._elsewhere).ledger_urls()[service]
        Path(make_url(url).database or "").unlink()

    @property
    def _elsewhere(self) -> Path:
        folder: Path = self._setup.shop.settings.data_dir
        return folder / self._prefix

    @property
    def _kind(self) -> type[Run]:
        return ChoreographedRun if self._setup.contender.choreographed else Run

    def _workflow_id(self, order_id: str) -> str:
        return f"{self._setup.contender.prefix}_{order_id}"


def _execution_timeout(contender: Contender, content: Mapping[str, object]) -> timedelta | None:
    deadline = content.get("deadline_seconds")
    if contender.execution_timeout and isinstance(deadline, int):
        return timedelta(seconds=deadline)
    return None
