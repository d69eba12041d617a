"""Any message, in any shape: it is refused or ignored, and nothing hangs or ends because of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.workflow import _Definition

from cli.modes import Mode
from messages.ids import order_saga_id
from messages.orders import Order
from messages.reconciliation import Leftover, Reconcile
from messages.runs import RunRef
from tests.harness.builders import an_order
from tests.harness.deliveries import FORWARD, delivery
from tests.harness.opening import OpenShop
from tests.harness.payloads import BAD_ARGUMENTS, NO_ARGUMENTS, Shape, raw
from tests.harness.progress import assert_no_task_failed, until_begun
from tests.harness.shop import Handle, Shop
from tests.harness.waiting import PATIENCE
from worker import WORKFLOWS

Run = WorkflowHandle[Any, Any]

ALL = {**BAD_ARGUMENTS, **NO_ARGUMENTS}
#: For names that nobody has: one handler takes them all, and reads nothing.
FEW = {name: ALL[name] for name in ("raw bytes", "no JSON", "two arguments", "no argument")}
#: Their input may be left out.
NEEDING_NO_INPUT = ("ReconcileOrders",)


class Handler(NamedTuple):
    """A name under which a workflow takes messages."""

    workflow: str
    kind: str
    name: str


def handlers() -> list[Handler]:
    """Every one that our workflows have, and a name of each kind that none has."""
    found = []
    for definition in map(_Definition.must_from_class, WORKFLOWS):
        by_kind = {
            "signal": definition.signals,
            "update": definition.updates,
            "query": definition.queries,
        }
        for kind, of_kind in by_kind.items():
            names = [name for name in of_kind if name] + ["unheard_of"]
            found += [Handler(str(definition.name), kind, name) for name in names]
    return found


def _id_of(handler: Handler) -> str:
    return "-".join(handler)


@pytest.mark.parametrize("workflow", [_Definition.must_from_class(w).name for w in WORKFLOWS])
async def test_a_bad_input_closes_the_run_as_failed(open_shop: OpenShop, workflow: str) -> None:
    shapes: Mapping[str, Shape] = BAD_ARGUMENTS if workflow in NEEDING_NO_INPUT else ALL
    async with open_shop() as shop:
        for name, shape in shapes.items():
            run: Run = await shop.client.start_workflow(
                workflow,
                args=raw(shape),
                id=f"bad-{uuid.uuid4()}",
                task_queue=shop.settings.task_queue,
            )
            with pytest.raises(WorkflowFailureError) as failed:
                await asyncio.wait_for(run.result(), PATIENCE)
            error = failed.value.cause
            assert isinstance(error, ApplicationError), name
            assert error.type == "InvalidInput", name
            assert len(error.message) < 3000, name
            assert (await run.describe()).status is WorkflowExecutionStatus.FAILED, name
            await assert_no_task_failed(run, name)
        assert shop.operations() == 0


@pytest.mark.parametrize("handler", handlers(), ids=_id_of)
async def test_a_bad_message_leaves_the_run_as_it_was(
    open_shop: OpenShop, handler: Handler
) -> None:
    async with open_shop(worker=False) as shop, an_open_run(shop, handler.workflow) as run:
        for name, shape in (FEW if handler.name == "unheard_of" else ALL).items():
            await send(run, handler, name, shape)
        await assert_no_task_failed(run, "after all of them")


async def send(run: Run, handler: Handler, name: str, shape: Shape) -> None:
    """Send it raw; a signal is not answered, an update is refused, a query may be either."""
    if handler.kind == "signal":
        await run.signal(handler.name, args=raw(shape))
        # Asked after the signal, it is answered after it.
        await run.query("report" if handler.workflow == "ReconcileOrders" else "status")
    elif handler.kind == "update":
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await asyncio.wait_for(run.execute_update(handler.name, args=raw(shape)), PATIENCE)
        assert isinstance(refused.value.cause, ApplicationError), name
        if handler.name != "unheard_of":
            assert refused.value.cause.type == "InvalidInput", name
    else:
        try:
            await asyncio.wait_for(run.query(handler.name, args=raw(shape)), PATIENCE)
        except WorkflowQueryFailedError:
            return
        assert name == "no argument"


@asynccontextmanager
async def an_open_run(shop: Shop, workflow: str) -> AsyncIterator[Run]:
    """Start a run that has all its work before it; afterwards it has to succeed."""
    order = an_order()
    async with shop.deciding_worker():
        run: Run
        placed: Handle | None = None
        if workflow == "OrderSaga":
            run = placed = await shop.place(order)
        elif workflow in ("OrderChoreography", "EventDelivery"):
            run = placed = await shop.place(order, Mode.CHOREOGRAPHY)
            first = delivery(shop, placed, FORWARD["inventory"])
            await until_begun(first)
            if workflow == "EventDelivery":
                run = first
        else:
            run = await _begun(shop, workflow, order)
        yield run
        async with shop.acting_worker():
            await _succeeded(shop, placed, order) if placed else await run.result()
    await assert_no_task_failed(run, "in the end")


async def _succeeded(shop: Shop, placed: Handle, order: Order) -> None:
    await shop.succeeds(placed)
    assert len(shop.standing(order)) == 4


async def _begun(shop: Shop, workflow: str, order: Order) -> Run:
    leftover = Leftover(
        run=RunRef(order_saga_id(order.order_id), "run_1"),
        order_id=order.order_id,
        ended="terminated",
        why="it was terminated",
        steps=("reserve_inventory", "process_payment"),
        standing=(),
        order=order,
    )
    given = leftover if workflow == "UndoLeftover" else Reconcile()
    return await shop.begin(workflow, given, workflow_id=f"begun-{uuid.uuid4()}")
