"""One check carried out on one contender."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta
from typing import NamedTuple

from temporalio.testing import WorkflowEnvironment

from services.mock import Services
from settings import Settings
from tests.builders import an_order
from tests.gates import Gates
from tests.scoreboard.books import Books
from tests.scoreboard.choreographed import ChoreographedRun
from tests.scoreboard.contenders import Contender
from tests.scoreboard.run import Handle, Run
from tests.server import in_real_time


class Lab(NamedTuple):
    """Where all checks of one contender are carried out."""

    env: WorkflowEnvironment
    contender: Contender
    settings: Settings
    services: Services
    gates: Gates
    #: Held while a run is started: time skipping is a switch of the whole environment.
    starting: asyncio.Lock
    #: Every run that any check started.
    placed: list[Run]


class Trial:
    """What a check does with a contender.

    Args:
        prefix: begins the ids of all orders of this check, which its faults go by.
    """

    def __init__(self, lab: Lab, prefix: str) -> None:
        self._lab = lab
        self._prefix = prefix
        self.services = lab.services

    def order_id(self, part: str) -> str:
        """The id of an order of this check."""
        return f"{self._prefix}.{part}"

    def books(self, order_id: str) -> Books:
        """The ledgers' word on an order."""
        return Books(self._lab.settings.ledger_urls(), order_id)

    async def place(
        self,
        part: str = "order",
        *,
        hold: str | None = None,
        skip_time: bool = True,
        **changes: object,
    ) -> Run:
        """Place an order.

        Args:
            part: tells the check's orders apart.
            hold: an activity whose attempts are held until they are let go. Time passes as
                on a clock then.
            skip_time: False has time pass as on a clock in any case.
            changes: fields of the order.
        """
        order = an_order(self.order_id(part), **changes)
        content = order.model_dump(mode="json", exclude_none=True)
        return await self.place_as_it_is(content, hold=hold, skip_time=skip_time and not hold)

    async def place_as_it_is(
        self, content: Mapping[str, object], *, hold: str | None = None, skip_time: bool = True
    ) -> Run:
        """Place what is perhaps no order, past any starter that would look at it."""
        lab, order_id = self._lab, str(content["order_id"])
        workflow_id = f"{lab.contender.prefix}_{order_id}"
        kind = ChoreographedRun if lab.contender.choreographed else Run
        gate = lab.gates.close(workflow_id, kind.activity(hold)) if hold else None
        # A choreographed order only waits while its events are delivered, and would be skipped
        # to its deadline.
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
        run = kind(lab.env, handle, lab.contender, self.books(order_id), gate)
        lab.placed.append(run)
        return run


def _execution_timeout(contender: Contender, content: Mapping[str, object]) -> timedelta | None:
    deadline = content.get("deadline_seconds")
    if contender.execution_timeout and isinstance(deadline, int):
        return timedelta(seconds=deadline)
    return None
