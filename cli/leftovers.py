"""Leftovers: what a run left behind, and the reconciliation cannot undo by itself."""

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
    """What one run of an order left behind, and waits for an operator."""

    kind: Literal["leftover"] = "leftover"
    mode: Mode
    order_id: str
    #: First run id of the order's saga.
    run_id: str
    #: Of the workflow that undoes it.
    workflow_id: str
    #: Since when it waits, and where it stands; None when it did not tell.
    since: datetime | None = None
    saga: SagaView | None = None
    #: Why it did not tell.
    problem: str | None = None

    def waits_at(self, step: str) -> bool:
        """Whether the step waits for a decision; it may, when nobody tells."""
        return self.saga is None or step in waiting_steps(self.saga)


async def parked_leftovers(client: Client, task_queue: str) -> list[ParkedLeftover | Unreadable]:
    """All that wait for an operator, of orders of either mode."""
    found = await waiting(client, task_queue, IS_PARKED, wire.UNDO_LEFTOVER)
    leftovers = await of_each(found, lambda run: _read(client, run))
    return [leftover for leftover in leftovers if leftover is not None]


async def parked_leftovers_of(
    client: Client, task_queue: str, mode: Mode | None, named: str
) -> list[ParkedLeftover]:
    """Those of one order, or the one with that workflow id."""
    return [
        leftover
        for leftover in await parked_leftovers(client, task_queue)
        if isinstance(leftover, ParkedLeftover)
        and named in (leftover.order_id, leftover.workflow_id)
        and mode in (None, leftover.mode)
    ]


def waiting_steps(saga: SagaView) -> list[str]:
    """The steps that an operator has to decide on."""
    return [step.name for step in saga.steps if step.state is StepState.NEEDS_INTERVENTION]


def waiting_since(saga: SagaView) -> datetime | None:
    """When the first of them began to wait."""
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
        return None  # the list is a little late
    if known is None:
        return Unreadable.of(run, "its id names no order")
    return known.model_copy(update={"saga": saga, "since": waiting_since(saga)})


def _from_outside(run: WorkflowExecution) -> ParkedLeftover | None:
    """What the id tells."""
    saga_id, _, saga_run_id = run.id.removeprefix(_PREFIX).rpartition("/")
    for mode in Mode:
        order_id = mode.order_id(saga_id)
        if run.id.startswith(_PREFIX) and order_id != saga_id:
            return ParkedLeftover(
                mode=mode, order_id=order_id, run_id=saga_run_id, workflow_id=run.id
            )
    return None
