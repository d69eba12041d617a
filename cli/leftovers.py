"""Leftovers that wait for an operator because the reconciler cannot undo them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from temporalio.client import Client, WorkflowExecution

from cli.modes import Mode
from cli.run_queries import SILENCE, look, why_silent
from cli.unreadable import Unreadable
from messages import wire
from messages.base import Message
from messages.sagas import SagaStatus, SagaView, StepState
from runs.descriptions import run_of
from runs.listing import of_each, waiting
from runs.visibility import IS_PARKED

_PREFIX = "leftover/"


class ParkedLeftover(Message):
    """Leftover of one run of an order, which waits for an operator."""

    kind: Literal["leftover"] = "leftover"
    mode: Mode
    order_id: str
    #: First run id of the order's saga.
    run_id: str
    #: Id of the workflow that undoes the leftover.
    workflow_id: str
    #: Start of the wait, and the state of each step; None when the workflow did not answer.
    since: datetime | None = None
    saga: SagaView | None = None
    #: Reason why the workflow did not answer.
    problem: str | None = None

    def waits_at(self, step: str) -> bool:
        """Tell whether the step may wait for a decision; assume it when the state is unknown."""
        return self.saga is None or step in waiting_steps(self.saga)


async def parked_leftovers(client: Client, task_queue: str) -> list[ParkedLeftover | Unreadable]:
    """Return all leftovers that wait for an operator, in both modes."""
    found = await waiting(client, task_queue, IS_PARKED, wire.UNDO_LEFTOVER)
    leftovers = await of_each(found, lambda run: _read(client, run))
    return [leftover for leftover in leftovers if leftover is not None]


async def parked_leftovers_of(
    client: Client, task_queue: str, mode: Mode | None, named: str
) -> list[ParkedLeftover]:
    """Return the parked leftovers of one order, or the one with that workflow id."""
    return [
        leftover
        for leftover in await parked_leftovers(client, task_queue)
        if isinstance(leftover, ParkedLeftover)
        and named in (leftover.order_id, leftover.workflow_id)
        and mode in (None, leftover.mode)
    ]


def waiting_steps(saga: SagaView) -> list[str]:
    """Return the steps that wait for an operator's decision."""
    return [step.name for step in saga.steps if step.state is StepState.NEEDS_INTERVENTION]


def waiting_since(saga: SagaView) -> datetime | None:
    """Return the time at which the first of these steps began to wait."""
    ended = [s.ended_at for s in saga.steps if s.state is StepState.NEEDS_INTERVENTION]
    return min((at for at in ended if at), default=None)


async def _read(client: Client, run: WorkflowExecution) -> ParkedLeftover | Unreadable | None:
    known = _from_outside(run)
    handle = run_of(client, run.id, run.run_id)
    try:
        saga = await look(handle)
    except SILENCE as error:
        why = await why_silent(client, handle, run.task_queue, error)
        return known.model_copy(update={"problem": why}) if known else Unreadable.of(run, why)
    if saga.status is not SagaStatus.NEEDS_INTERVENTION and not waiting_steps(saga):
        return None  # the server's list may be out of date
    if known is None:
        return Unreadable.of(run, "its id does not name an order")
    return known.model_copy(update={"saga": saga, "since": waiting_since(saga)})


def _from_outside(run: WorkflowExecution) -> ParkedLeftover | None:
    """Return what the workflow id tells about the leftover."""
    saga_id, _, saga_run_id = run.id.removeprefix(_PREFIX).rpartition("/")
    for mode in Mode:
        order_id = mode.order_id(saga_id)
        if run.id.startswith(_PREFIX) and order_id != saga_id:
            return ParkedLeftover(
                mode=mode, order_id=order_id, run_id=saga_run_id, workflow_id=run.id
            )
    return None
