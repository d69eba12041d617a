"""Operator of the scenarios, who decides from the inbox and the reconciler's report alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from cli.leftovers import ParkedLeftover, parked_leftovers, waiting_steps
from cli.letters import DeadLetter, dead_letters
from cli.parked import parked_orders
from messages.deliveries import ResolveDeadLetter
from messages.events.order import OrderCancelled
from messages.reconciliation import Leftover
from messages.sagas import ResolveCompensation
from tests.harness.shop import Shop


class Operator:
    """Operator who retries compensations, and keeps the effects of orders that were confirmed.

    Args:
        promised: tells whether the customer was told that the order of this run succeeded.
    """

    def __init__(self, shop: Shop, promised: Callable[[str], bool]) -> None:
        self._client = shop.client
        self._task_queue = shop.settings.task_queue
        self._promised = promised

    async def empty_the_inbox(self) -> None:
        """Decide once about everything that waits."""
        orders, letters, leftovers = await asyncio.gather(
            parked_orders(self._client, self._task_queue),
            dead_letters(self._client, self._task_queue),
            parked_leftovers(self._client, self._task_queue),
        )
        for order in orders:
            for step in waiting_steps(order.saga) if order.saga else ():
                await self._resolve(order.workflow_id, step, keep=False)
        for letter in letters:
            if isinstance(letter, DeadLetter):
                await self._decide_on(letter)
        for leftover in leftovers:
            if isinstance(leftover, ParkedLeftover) and leftover.saga:
                keep = await self._to_be_kept(leftover)
                for step in waiting_steps(leftover.saga):
                    await self._resolve(leftover.workflow_id, step, keep=keep)

    async def _resolve(self, workflow_id: str, step: str, *, keep: bool) -> None:
        decision = ResolveCompensation(
            step=step, action="keep" if keep else "retry", operator="fuzz", note="as promised"
        )
        with suppress(WorkflowUpdateFailedError, RPCError):  # Temporal's list is updated late
            run = self._client.get_workflow_handle(workflow_id)
            await run.execute_update("resolve_compensation", decision)

    async def _decide_on(self, letter: DeadLetter) -> None:
        undoing = letter.event_type == OrderCancelled.__name__
        if letter.blocks_order and not undoing:
            return  # the order turns back at its deadline
        decision = ResolveDeadLetter(
            action="replay" if undoing else "discard", operator="fuzz", note="once more, or over"
        )
        with suppress(WorkflowUpdateFailedError, RPCError):
            run = self._client.get_workflow_handle(letter.delivery_id)
            await run.execute_update("resolve_dead_letter", decision)

    async def _to_be_kept(self, leftover: ParkedLeftover) -> bool:
        """Tell whether the leftover is unproved and its order was confirmed to the customer."""
        history = await self._client.get_workflow_handle(leftover.workflow_id).fetch_history()
        given = history.events[0].workflow_execution_started_event_attributes.input
        (found,) = await self._client.data_converter.decode(given.payloads, [Leftover])
        return found.unproved and self._promised(leftover.run_id)
