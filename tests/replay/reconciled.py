"""Every kind of run of the reconciler: what it finds depends on the orders that were broken off."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from temporalio.client import WorkflowFailureError, WorkflowHandle

from messages.ids import leftover_id
from messages.runs import RunRef
from tests.replay.studio import REFUND_FAILS_ONCE, Fault, Play, Scenario, Studio, fault
from tests.workflows.conftest import PATIENCE
from tests.workflows.reconciling import begin, delete, terminate

ReconcilerHandle = WorkflowHandle[Any, Any]


async def finds_nothing(studio: Studio) -> ReconcilerHandle:
    """Of an order that succeeded there is nothing to undo."""
    await studio.shop.outcome(await studio.place())
    return await _reconciled(studio)


def finds_broken_off(during: str, *, dry_run: bool = False, deleted: bool = False) -> Play:
    """An order was terminated during a step, whose action arrives when all is undone."""

    async def play(studio: Studio) -> ReconcilerHandle:
        gate = studio.hold(during)
        order = await studio.place()
        await asyncio.wait_for(gate.reached.wait(), PATIENCE)
        await terminate(studio.shop, order)
        if deleted:
            await delete(studio.shop, order)
        reconciler = await _reconciled(studio, dry_run=dry_run)
        gate.open.set()
        return reconciler

    return play


async def _reconciled(studio: Studio, *, dry_run: bool = False) -> ReconcilerHandle:
    handle = await begin(studio.shop, dry_run=dry_run)
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


def leaves(during: str, *actions: str) -> Play:
    """The same, seen from the run that undoes it; an operator decides on the payment."""

    async def play(studio: Studio) -> ReconcilerHandle:
        gate = studio.hold(during)
        order = await studio.place()
        await asyncio.wait_for(gate.reached.wait(), PATIENCE)
        await terminate(studio.shop, order)
        await _reconciled(studio)
        gate.open.set()
        run = RunRef(order.id, order.first_execution_run_id or "")
        leftover: ReconcilerHandle = studio.shop.env.client.get_workflow_handle(leftover_id(run))
        for action in actions:
            decision = {"step": "process_payment", "operator": "ada", "note": "letter 4711"}
            await leftover.execute_update("resolve_compensation", {**decision, "action": action})
        await leftover.result()
        return leftover

    return play


def reconciled() -> Iterator[Scenario]:
    """Reconciliations of all ledgers, which therefore are their own."""

    # Ledgers are asked at the same time, and their answers come as they come.
    def run(name: str, ends: str, play: Play, *faults: Fault) -> Scenario:
        # Its name is its order's id, which no scenario of another kind may have.
        return Scenario(
            f"cleared_{name}", "ReconcileOrders", ends, faults, play, orderly=False, alone=True
        )

    def leftover(name: str, play: Play, *faults: Fault) -> Scenario:
        return Scenario(f"left_{name}", "UndoLeftover", "COMPLETED", faults, play, alone=True)

    yield run("nothing", "COMPLETED", finds_nothing)
    yield run("dry", "COMPLETED", finds_broken_off("prepare_shipping", dry_run=True))
    yield run("half_done", "COMPLETED", finds_broken_off("prepare_shipping"))
    yield run("not_begun", "COMPLETED", finds_broken_off("reserve_inventory"))
    broken = fault("permanent", "refund_payment")
    yield run("in_vain", "FAILED", finds_broken_off("prepare_shipping"), broken)
    # Of one that was deleted it waits until its services are quiet, if they are not yet.
    deleted = finds_broken_off("prepare_shipping", deleted=True)
    yield run("deleted", "COMPLETED", deleted)
    yield leftover("undone", leaves("prepare_shipping"))
    yield leftover("retried", leaves("prepare_shipping", "retry"), REFUND_FAILS_ONCE)
    settled = leaves("prepare_shipping", "mark_resolved")
    yield leftover("resolved_by_hand", settled, REFUND_FAILS_ONCE)
