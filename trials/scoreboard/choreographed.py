"""Run of the choreographed saga: the order, and the deliveries of its events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timezone

from temporalio.client import WorkflowExecutionDescription, WorkflowExecutionStatus

from messages.ids import delivery_id, event_id
from messages.participants import PARTICIPANTS
from messages.sagas import SagaView
from tests.harness.deliveries import BACKWARD, FORWARD
from tests.harness.runs import describe, end, forget, has_failed_once, is_parked
from trials.scoreboard.run import OPERATOR, Handle, Run

#: Activity that calls an operation, by operation.
_REACTIONS = {
    operation: reaction
    for p in PARTICIPANTS
    for operation, reaction in zip((p.step, p.compensation), p.reactions, strict=True)
}
#: Operation that a delivery asks for, by the event and the service.
_ASKED_FOR = {FORWARD[p.service]: p.step for p in PARTICIPANTS} | {
    BACKWARD[p.service]: p.compensation for p in PARTICIPANTS
}


class ChoreographedRun(Run):
    """Run of a contender whose services react to events."""

    @staticmethod
    def activity(operation: str) -> str:
        return _REACTIONS[operation]

    async def ended(self) -> None:
        """See base class; after an event was parked, the time to the deadline is skipped.

        That does not work for the first event, since the server skips no time while a child of
        the workflow is open. Such an order needs a short deadline.
        """
        await super().ended()
        if await self.status() is not WorkflowExecutionStatus.RUNNING:
            return
        view = await self._view()
        if view.error is None:
            left = (view.deadline - datetime.now(timezone.utc)).total_seconds()
            passing = asyncio.ensure_future(self._env.fast_forward(self.handle, left + 1))
            try:
                await self._until(self._turned_back)
            finally:
                passing.cancel()
            await super().ended()

    async def scheduled(self) -> list[str]:
        """Return the operations that were asked for, in the order of the events that cause them."""
        begun = {handle.id async for handle, _ in self._deliveries()}
        return [
            operation for name, operation in _ASKED_FOR.items() if self._delivery(name).id in begun
        ]

    async def forgotten(self) -> None:
        """See base class; also delete the deliveries of its events."""
        deliveries = [handle async for handle, _ in self._deliveries()]
        await super().forgotten()
        await asyncio.gather(*(forget(self._env.client, handle) for handle in deliveries))

    async def abandon(self) -> None:
        await super().abandon()
        async for handle, _ in self._deliveries():
            await end(handle)

    async def _decide_on_refund(self, *, undone: bool) -> None:
        decision = {"action": "discard" if undone else "replay", **OPERATOR}
        letter = self._delivery(BACKWARD["payment"])
        await letter.execute_update("resolve_dead_letter", decision)

    async def _at_rest(self, run: WorkflowExecutionDescription) -> bool:
        # From cause to effect: a delivery that was started by another one is checked after it.
        async for _, delivery in self._deliveries():
            held = any(self._holds(a) for a in delivery.raw_description.pending_activities)
            is_open = delivery.status is WorkflowExecutionStatus.RUNNING
            if is_open and not held and not is_parked(delivery):
                return False
        meanwhile = await self.handle.describe()
        return meanwhile.history_length == run.history_length and await super()._at_rest(run)

    async def _between_attempts(self, run: WorkflowExecutionDescription) -> bool:
        # The time between its attempts may be skipped before anybody has looked; then it is parked.
        # The order waits in its timer in both cases.
        found = [delivery async for _, delivery in self._deliveries()]
        return any(has_failed_once(delivery) or is_parked(delivery) for delivery in found)

    async def _turned_back(self, run: WorkflowExecutionDescription) -> bool:
        return (await self._view()).error is not None

    async def _view(self) -> SagaView:
        view: SagaView = await self.handle.query("status", result_type=SagaView)
        return view

    async def _deliveries(self) -> AsyncIterator[tuple[Handle, WorkflowExecutionDescription]]:
        """Those that have begun, each after those that may have caused it."""
        for name in (*FORWARD.values(), *BACKWARD.values()):
            handle = self._delivery(name)
            found = await describe(handle)
            if found is not None:
                yield handle, found

    def _delivery(self, name: str) -> Handle:
        event, subscriber = name.split("/")
        told = event_id(*self.ref, event)
        return self._env.client.get_workflow_handle(delivery_id(told, subscriber))
