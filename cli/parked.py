"""Orders whose compensation is parked until an operator decides."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from temporalio.client import Client, WorkflowExecution

from cli.leftovers import waiting_since
from cli.modes import Mode
from cli.run_queries import SILENCE, look, why_silent
from messages.base import Message
from messages.sagas import SagaStatus, SagaView
from runs.descriptions import run_of
from runs.listing import of_each, waiting
from runs.visibility import IS_PARKED


class ParkedOrder(Message):
    """Order that waits for an operator."""

    kind: Literal["order"] = "order"
    mode: Mode = Mode.ORCHESTRATION
    order_id: str
    workflow_id: str
    run_id: str
    #: Start of the wait, and the state of each step; None when the workflow did not answer.
    since: datetime | None = None
    saga: SagaView | None = None
    #: Reason why the workflow did not answer.
    problem: str | None = None


async def parked_orders(client: Client, task_queue: str) -> list[ParkedOrder]:
    """Return all parked orders, also those whose workflow does not answer.

    Choreographed orders are not among them, because they wait for dead letters.
    """
    found = await waiting(client, task_queue, IS_PARKED, Mode.ORCHESTRATION.workflow)
    orders = await of_each(found, lambda run: _read(client, run))
    return [order for order in orders if order is not None]


async def _read(client: Client, run: WorkflowExecution) -> ParkedOrder | None:
    order = ParkedOrder(
        order_id=Mode.ORCHESTRATION.order_id(run.id), workflow_id=run.id, run_id=run.run_id
    )
    handle = run_of(client, run.id, run.run_id)
    try:
        saga = await look(handle)
    except SILENCE as error:
        why = await why_silent(client, handle, run.task_queue, error)
        return order.model_copy(update={"problem": why})
    if saga.status is not SagaStatus.NEEDS_INTERVENTION:
        return None  # the server's list may be out of date
    return order.model_copy(update={"saga": saga, "since": waiting_since(saga)})
