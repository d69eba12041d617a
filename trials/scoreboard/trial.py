"""Trial: one check carried out on one contender."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

from sqlalchemy import make_url
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from services.payment import PaymentService
from settings import Settings
from tests.harness.builders import an_order
from tests.harness.server import in_real_time
from trials.scoreboard.books import Books
from trials.scoreboard.choreographed import ChoreographedRun
from trials.scoreboard.contenders import Contender
from trials.scoreboard.lab import Lab, open_lab
from trials.scoreboard.run import Handle, Run


class Trial:
    """Access of a check to a contender.

    Args:
        prefix: begins the ids of all orders of this check, which its faults go by.
    """

    def __init__(self, lab: Lab, prefix: str) -> None:
        self._lab = lab
        self._prefix = prefix
        self.services = lab.services

    def order_id(self, part: str) -> str:
        """Return the id of an order of this check."""
        return f"{self._prefix}.{part}"

    def books(self, order_id: str) -> Books:
        """Return the effects of an order in the ledgers."""
        return Books(self._lab.settings.ledger_urls(), order_id)

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
            self._lab.newer.take(self._workflow_id(order.order_id), self._kind.activity(newer))
        return await self.place_as_it_is(content, hold=hold, skip_time=skip_time and not hold)

    async def place_as_it_is(
        self, content: Mapping[str, object], *, hold: str | None = None, skip_time: bool = True
    ) -> Run:
        """Start a run without the starter's checks, so that the input may be no valid order."""
        lab, order_id = self._lab, str(content["order_id"])
        workflow_id = self._workflow_id(order_id)
        gate = lab.gates.close(workflow_id, self._kind.activity(hold)) if hold else None
        # A choreographed order only waits while its events are delivered, so time skipping would
        # jump to its deadline.
        skips = skip_time and not lab.contender.choreographed
        clock = nullcontext() if skips else in_real_time(lab.env)
        async with lab.starting, clock:
            handle: Handle = await lab.env.client.start_workflow(
                lab.contender.workflow,
                content,
                id=workflow_id,
                task_queue=lab.settings.task_queue,
                execution_timeout=_execution_timeout(lab.contender, content),
            )
        run = self._kind(lab.env, handle, lab.contender, self.books(order_id), gate)
        lab.placed.append(run)
        return run

    async def reconcile(self) -> None:
        """Look for what is left behind, where there is somebody who does that."""
        lab = self._lab
        if not lab.contender.ours:
            return
        async with lab.starting, in_real_time(lab.env):
            handle: Handle = await lab.env.client.start_workflow(
                "ReconcileOrders",
                id=f"reconcile-{uuid.uuid4()}",
                task_queue=lab.settings.task_queue,
            )
        try:
            await handle.result()
        except WorkflowFailureError as failure:
            waits = isinstance(failure.cause, ApplicationError) and failure.cause.type
            if waits != "NotReconciled":  # a leftover that still waits for an operator
                raise

    async def redeliver_refund(self, run: Run) -> None:
        """Deliver a late copy of the refund's request to the service."""
        await asyncio.to_thread(self.services.get(PaymentService).refund, run.books.charge())

    @asynccontextmanager
    async def elsewhere(self) -> AsyncIterator[Trial]:
        """Open a trial on separate ledgers of this check; they are the same ones each time."""
        lab = self._lab
        async with open_lab(lab.env, lab.contender, self._elsewhere, lab.starting) as own:
            yield Trial(own, self._prefix)

    def lose_ledger(self, service: str) -> None:
        """Delete this service's ledger among the separate ones; an empty one replaces it."""
        url = Settings(data_dir=self._elsewhere).ledger_urls()[service]
        Path(make_url(url).database or "").unlink()

    @property
    def _elsewhere(self) -> Path:
        return self._lab.settings.data_dir / self._prefix

    @property
    def _kind(self) -> type[Run]:
        return ChoreographedRun if self._lab.contender.choreographed else Run

    def _workflow_id(self, order_id: str) -> str:
        return f"{self._lab.contender.prefix}_{order_id}"


def _execution_timeout(contender: Contender, content: Mapping[str, object]) -> timedelta | None:
    deadline = content.get("deadline_seconds")
    if contender.execution_timeout and isinstance(deadline, int):
        return timedelta(seconds=deadline)
    return None
