"""Interruptions of a run, or of all of an order's deliveries, at whatever instant."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import ResetReapplyExcludeType
from temporalio.api.workflowservice.v1 import (
    DeleteWorkflowExecutionRequest,
    ResetWorkflowExecutionRequest,
)
from temporalio.client import (
    WorkflowExecutionDescription,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from messages.sagas import CancelOrder
from tests.workflows.conftest import PATIENCE, AnyHandle
from tests.workflows.payloads import NO_ARGUMENTS, UNREADABLE, Shape, raw
from trials.fuzz.scenario import Interruption

_LONG = 10_000
#: Those that are not too much to send again and again.
_SHAPES: tuple[Shape, ...] = (
    *((payload,) for payload in UNREADABLE.values() if len(payload.data) < _LONG),
    *(shape for shape in NO_ARGUMENTS.values()),
)
_SIGNALS = ("receive_event", "delivery_report", "unheard_of")
_UPDATES = ("cancel_order", "resolve_compensation", "resolve_dead_letter", "unheard_of")
_EXCLUDED = (
    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL,
    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE,
    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_CANCEL_REQUEST,
)


class Hands:
    """Somebody who interrupts; what comes too late, or is refused, is as good as done."""

    def __init__(self, env: WorkflowEnvironment) -> None:
        self._client = env.client
        self._deleted: list[tuple[str, str]] = []

    async def do(self, handle: AnyHandle, what: Interruption) -> None:
        """Interfere with the order's run."""
        with suppress(WorkflowUpdateFailedError, RPCError):
            if what.what == "native":
                await handle.cancel()
            elif what.what == "terminate":
                await handle.terminate("fuzz")
            elif what.what == "update":
                await handle.execute_update("cancel_order", CancelOrder(reason="fuzz"))
            elif what.what == "delete":
                latest = await self.latest(handle)
                await self._delete(handle.id, latest.run_id if latest else "")
            elif what.what == "delete_first":
                await self._delete(handle.id, handle.first_execution_run_id or "")
            elif what.what == "reset":
                await self._reset(handle, what)
            elif what.what == "unreadable":
                await self._say_nothing_readable(handle, what.nth)

    async def latest(self, handle: AnyHandle) -> WorkflowExecutionDescription | None:
        """Return the latest run under the order's id; None when Temporal knows of none."""
        try:
            return await self._client.get_workflow_handle(handle.id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def until_what_was_deleted_is_gone(self) -> None:
        """Wait until Temporal has done with deleting.

        Raises:
            TimeoutError: it has not in time.
        """
        deadline = time.monotonic() + PATIENCE
        for workflow_id, run_id in self._deleted:
            run = self._client.get_workflow_handle(workflow_id, run_id=run_id)
            with suppress(RPCError):
                while True:
                    await run.describe()
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{workflow_id} is never deleted")
                    await asyncio.sleep(0.02)

    async def _delete(self, workflow_id: str, run_id: str) -> None:
        await self._client.workflow_service.delete_workflow_execution(
            DeleteWorkflowExecutionRequest(
                namespace=self._client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            )
        )
        self._deleted.append((workflow_id, run_id))

    async def _reset(self, handle: AnyHandle, what: Interruption) -> None:
        latest = await self.latest(handle)
        if latest is None:
            return
        run = self._client.get_workflow_handle(handle.id, run_id=latest.run_id)
        done = [
            event.event_id
            for event in (await run.fetch_history()).events
            if event.HasField("workflow_task_completed_event_attributes")
        ]
        if not done:
            return
        await self._client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=self._client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=latest.run_id),
                reason="fuzz",
                request_id=str(uuid.uuid4()),
                workflow_task_finish_event_id=done[min(what.nth, len(done)) - 1],
                reset_reapply_exclude_types=_EXCLUDED if what.forgets else (),
            )
        )

    async def _say_nothing_readable(self, handle: AnyHandle, nth: int) -> None:
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


async def _send(run: WorkflowHandle[Any, Any], kind: str, name: str, shape: Shape) -> None:
    arguments: Mapping[str, Any] = {"args": raw(shape)}
    with suppress(RPCError, WorkflowUpdateFailedError, WorkflowQueryFailedError):
        if kind == "signal":
            await run.signal(name, **arguments)
        elif kind == "update":
            await run.execute_update(name, **arguments)
        else:
            await run.query(name, **arguments)
