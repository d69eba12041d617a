"""Interruptions of a run, or of all of an order's deliveries, at whatever instant."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.service import RPCError

from tests.harness import runs
from tests.harness.cancelling import by_update, natively
from tests.harness.payloads import NO_ARGUMENTS, UNREADABLE, Shape, raw
from tests.harness.runs import EVERYTHING, Run, describe, first_run
from trials.fuzz.scenario import Interruption

_LONG = 10_000
#: Those that are not too much to send again and again.
_SHAPES: tuple[Shape, ...] = (
    *((payload,) for payload in UNREADABLE.values() if len(payload.data) < _LONG),
    *(shape for shape in NO_ARGUMENTS.values()),
)
_SIGNALS = ("receive_event", "delivery_report", "unheard_of")
_UPDATES = ("cancel_order", "resolve_compensation", "resolve_dead_letter", "unheard_of")


class Interferer:
    """Interferes with orders; what comes too late, or is refused, is as good as done."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._deleted: list[tuple[str, str]] = []

    async def do(self, handle: Run, what: Interruption) -> None:
        """Interfere with the order's run."""
        with suppress(WorkflowUpdateFailedError, RPCError):
            if what.what == "native":
                await natively(handle)
            elif what.what == "terminate":
                await handle.terminate("fuzz")
            elif what.what == "update":
                await by_update(handle)
            elif what.what == "delete":
                latest = await self.latest(handle)
                await self._delete(handle.id, latest.run_id if latest else "")
            elif what.what == "delete_first":
                await self._delete(handle.id, first_run(handle))
            elif what.what == "reset":
                latest = await self.latest(handle)
                exclude = EVERYTHING if what.forgets else ()
                if latest is not None:
                    await runs.reset(self._client, handle.id, latest.run_id, what.nth, exclude)
            elif what.what == "unreadable":
                await self._say_nothing_readable(handle, what.nth)

    async def latest(self, handle: Run) -> WorkflowExecutionDescription | None:
        """Return the latest run under the order's id; None when Temporal knows of none."""
        return await describe(self._client.get_workflow_handle(handle.id))

    async def until_what_was_deleted_is_gone(self) -> None:
        """Wait until Temporal has done with deleting.

        Raises:
            TimeoutError: it has not in time.
        """
        for workflow_id, run_id in self._deleted:
            await runs.until_gone(self._client, workflow_id, run_id)

    async def _delete(self, workflow_id: str, run_id: str) -> None:
        await runs.delete(self._client, workflow_id, run_id)
        self._deleted.append((workflow_id, run_id))

    async def _say_nothing_readable(self, handle: Run, nth: int) -> None:
        """Send the order, and the deliveries of its events, what nobody can read."""
        shape = _SHAPES[nth % len(_SHAPES)]
        query = f'WorkflowId STARTS_WITH "delivery/{handle.id}/" AND ExecutionStatus = "Running"'
        deliveries = [run.id async for run in self._client.list_workflows(query)]
        for workflow_id in (handle.id, *deliveries):
            run = self._client.get_workflow_handle(workflow_id)
            await asyncio.gather(*(_send(run, kind, name, shape) for kind, name in _MESSAGES))


_MESSAGES = (
    *(("signal", name) for name in _SIGNALS),
    *(("update", name) for name in _UPDATES),
    ("query", "status"),
)


async def _send(run: Run, kind: str, name: str, shape: Shape) -> None:
    arguments: Mapping[str, Any] = {"args": raw(shape)}
    with suppress(RPCError, WorkflowUpdateFailedError, WorkflowQueryFailedError):
        if kind == "signal":
            await run.signal(name, **arguments)
        elif kind == "update":
            await run.execute_update(name, **arguments)
        else:
            await run.query(name, **arguments)
