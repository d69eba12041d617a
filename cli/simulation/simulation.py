"""Simulation that places many orders, some at the same time, and waits for the end of each."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator

from temporalio.client import Client

from cli.modes import Mode
from cli.patience import patiently
from cli.placing import Placed, UnreadableOrder, place
from cli.simulation.fates import Fate
from messages.orders import Order
from runs.descriptions import SERVER_TIMEOUT, Handle
from runs.results import BrokenOff, Outcome, outcome
from runs.visibility import IS_PARKED

_LOOK_FOR_PARKED_EVERY = 2.0


class Simulation:
    """Customers who place orders and wait for their ends, even while server and worker restart.

    Each order counts once: the start is repeated until the server answers, and finds the run
    if an attempt that got no answer has already started it.
    """

    def __init__(self, client: Client, mode: Mode, task_queue: str) -> None:
        self._client = client
        self._mode = mode
        self._task_queue = task_queue
        self._parked: dict[str, asyncio.Event] = {}

    async def run(
        self, orders: Iterable[Order], concurrency: int, ended: Callable[[Fate], None]
    ) -> list[Fate]:
        """Place all orders, at most ``concurrency`` at a time; call ``ended`` for each at its end.

        Raises:
            BadInput: an order with that id and other content runs or has succeeded.
            RPCError: the server did not answer for more than five minutes.
        """
        fates: list[Fate] = []
        waiting = iter(orders)
        looking = asyncio.create_task(self._look_for_parked())
        customers = [
            asyncio.create_task(self._serve(waiting, fates, ended)) for _ in range(concurrency)
        ]
        try:
            await asyncio.gather(*customers)
        finally:
            for task in (looking, *customers):
                task.cancel()
            await asyncio.gather(looking, *customers, return_exceptions=True)
        return fates

    async def _serve(
        self, waiting: Iterator[Order], fates: list[Fate], ended: Callable[[Fate], None]
    ) -> None:
        for order in waiting:
            fate = await self._take_through(order)
            fates.append(fate)
            ended(fate)

    async def _take_through(self, order: Order) -> Fate:
        workflow_id = self._mode.saga_id(order.order_id)
        parked = self._parked[workflow_id] = asyncio.Event()
        try:
            placed = await self._place(order)
            return await self._see_through(placed.run, parked)
        except UnreadableOrder as error:
            unknown = BrokenOff(saga_id=workflow_id, status="FAILED", error=str(error))
            return Fate(workflow_id, "", unknown)
        finally:
            del self._parked[workflow_id]

    async def _see_through(self, run: Handle, parked: asyncio.Event) -> Fate:
        closed = asyncio.create_task(patiently(lambda: outcome(run)))
        stuck = asyncio.create_task(parked.wait())
        try:
            await asyncio.wait({closed, stuck}, return_when=asyncio.FIRST_COMPLETED)
            return _fate(run, closed)
        finally:
            closed.cancel()
            stuck.cancel()

    async def _place(self, order: Order) -> Placed:
        attempts = itertools.count()
        return await patiently(
            lambda: place(
                self._client, self._mode, order, self._task_queue, again=next(attempts) > 0
            )
        )

    async def _look_for_parked(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_FOR_PARKED_EVERY)
            for workflow_id in await patiently(self._parked_now):
                if workflow_id in self._parked:
                    self._parked[workflow_id].set()

    async def _parked_now(self) -> list[str]:
        runs = self._client.list_workflows(IS_PARKED, rpc_timeout=SERVER_TIMEOUT)
        return [run.id async for run in runs]


def _fate(run: Handle, closed: asyncio.Task[Outcome]) -> Fate:
    result = closed.result() if closed.done() else None
    return Fate(run.id, run.run_id or "", result)
