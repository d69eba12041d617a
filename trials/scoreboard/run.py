"""Run of a contender, as a check controls and observes it from outside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import (
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.testing import WorkflowEnvironment

from messages.ids import leftover_id
from messages.runs import RunRef
from tests.harness.gates import Gate
from tests.harness.runs import (
    end,
    forget,
    has_failed_once,
    is_parked,
    ref_of,
    reset,
    said_by,
    scheduled,
)
from trials.scoreboard.contenders import Contender
from trials.scoreboard.effects import EFFECTS, Effects

Handle = WorkflowHandle[object, object]

OPERATOR = {"operator": "ada", "note": "bank transfer 4711"}

#: Longest wait of a check, in real seconds. No contender has the bug that it hangs, so a long
#: limit does not make the checks slower.
PATIENCE = 120.0


class Caught(Exception):
    """The contender has the bug; the message says in a few words what was observed."""


def expect(condition: bool, otherwise: str) -> None:
    """Require a condition.

    Raises:
        Caught: the condition does not hold.
    """
    if not condition:
        raise Caught(otherwise)


class Run:
    """Order that was placed. Every wait ends within :data:`PATIENCE` or raises TimeoutError."""

    def __init__(
        self,
        env: WorkflowEnvironment,
        handle: Handle,
        contender: Contender,
        effects: Effects,
        gate: Gate | None,
    ) -> None:
        self.handle = handle
        self.effects = effects
        self._env = env
        self._contender = contender
        self._gate = gate

    @staticmethod
    def activity(operation: str) -> str:
        """Return the activity that calls a service's operation."""
        return operation

    async def reached(self) -> bool:
        """Wait until the held activity runs; return False if the run ends before that."""

        async def under_way(_: WorkflowExecutionDescription) -> bool:
            return self._gate is not None and self._gate.reached.is_set()

        await self._until(under_way)
        return self._gate is not None and self._gate.reached.is_set()

    async def let_go(self) -> None:
        """Release the held activity, so that it calls the service."""
        assert self._gate is not None
        self._gate.open.set()

    async def landed(self) -> None:
        """Wait until every attempt of the held activity has ended, also one that has timed out."""
        assert self._gate is not None
        await asyncio.wait_for(self._gate.landed.wait(), PATIENCE)

    async def cancel(self) -> None:
        """Cancel through Temporal."""
        await self.handle.cancel()

    async def cancel_as_customer(self) -> bool:
        """Cancel by the contender's own message; return False if it refuses."""
        if self._contender.cancelled_by == "signal":
            await self.handle.signal("cancel_order")
            return True
        try:
            await self.handle.execute_update("cancel_order", {"reason": "changed my mind"})
        except WorkflowUpdateFailedError:
            return False
        return True

    async def reacted(self) -> None:
        """Wait until the run can do nothing more while its activity is held."""
        await self._until(self._at_rest)

    async def waits_to_try_again(self) -> None:
        """Wait until a step has failed once and waits for its next attempt."""
        await self._until(self._between_attempts)

    async def ended(self) -> None:
        """Wait until the run has closed or waits for an operator only."""

        async def left_to_operator(run: WorkflowExecutionDescription) -> bool:
            return is_parked(run) and await self._at_rest(run)

        await self._until(left_to_operator)

    async def status(self) -> WorkflowExecutionStatus | None:
        """Return the run's status in Temporal."""
        return (await self.handle.describe()).status

    async def says(self) -> str:
        """Return the result or the failure of the closed run as text."""
        try:
            return json.dumps(await self.handle.result())
        except WorkflowFailureError as failure:
            return " / ".join(said_by(failure.cause))

    async def says_success(self) -> bool:
        """Tell whether the run has closed and reports a success."""
        return await self.status() is WorkflowExecutionStatus.COMPLETED and '"SUCCESS"' in (
            await self.says()
        )

    @property
    def ref(self) -> RunRef:
        """Name of the run in the ledgers."""
        return ref_of(self.handle)

    async def paid_back_by_hand(self) -> None:
        """Refund the money by hand, and record it if the contender can."""
        if self._contender.ours:
            await self._decide_on_refund(undone=True)
            await self.ended()

    async def forgotten(self) -> None:
        """Delete the closed run from Temporal, as at the end of its retention."""
        await asyncio.wait_for(forget(self._env.client, self.handle), PATIENCE)

    async def reset(self) -> None:
        """Somebody resets the run to its first task; one that is parked again is tried again."""
        latest = (await self.handle.describe()).run_id
        await reset(self._env.client, self.handle.id, latest)
        await self.ended()
        if await self.status() is WorkflowExecutionStatus.RUNNING:
            await self._decide_on_refund(undone=False)
            await self.ended()

    async def scheduled(self) -> list[str]:
        """Return the activities of the run, in the order in which it scheduled them."""
        return await scheduled(self.handle)

    async def abandon(self) -> None:
        """Leave nothing of it running."""
        await end(self.handle)
        await end(self._env.client.get_workflow_handle(leftover_id(self.ref)))

    def expect_nothing_stands(self) -> None:
        """Require that no effect stands.

        Raises:
            Caught: an effect stands.
        """
        left = self.effects.standing()
        expect(not left, f"{left[0]} left" if len(left) == 1 else f"{len(left)} effects left")

    async def expect_all_or_nothing(self) -> None:
        """Require all effects if the run reports a success, and none otherwise.

        Raises:
            Caught: other effects stand.
        """
        if not await self.says_success():
            self.expect_nothing_stands()
        elif missing := [e for e in EFFECTS.values() if e not in self.effects.standing()]:
            raise Caught(f"without {missing[0]}")

    async def _decide_on_refund(self, *, undone: bool) -> None:
        """Record that the parked refund was made by hand, or retry it."""
        action = "mark_resolved" if undone else "retry"
        decision = {"step": "process_payment", "action": action, **OPERATOR}
        await self.handle.execute_update("resolve_compensation", decision)

    async def _at_rest(self, run: WorkflowExecutionDescription) -> bool:
        busy = [a for a in run.raw_description.pending_activities if not self._holds(a)]
        return not busy and not run.raw_description.HasField("pending_workflow_task")

    async def _between_attempts(self, run: WorkflowExecutionDescription) -> bool:
        return has_failed_once(run) or any(
            event.HasField("timer_started_event_attributes")
            for event in (await self.handle.fetch_history()).events
        )

    def _holds(self, activity: PendingActivityInfo) -> bool:
        return self._gate is not None and activity.activity_type.name == self._gate.activity

    async def _until(
        self, reached: Callable[[WorkflowExecutionDescription], Awaitable[bool]]
    ) -> None:
        async def poll() -> None:
            pause = 0.05
            while True:
                run = await self.handle.describe()
                if run.status is not WorkflowExecutionStatus.RUNNING or await reached(run):
                    return
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 0.4)

        await asyncio.wait_for(poll(), PATIENCE)
