"""Every kind of run of the reconciler: what it finds depends on the orders that were broken off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from temporalio.client import WorkflowFailureError

from services.faults import Fault
from tests.harness.faults import REFUND_FAILS_ONCE, permanent
from tests.harness.reconciling import begin, leftover_of
from tests.harness.runs import Run, resolve
from tests.replay.recording import Play, Recording, Scenario


async def finds_nothing(recording: Recording) -> Run:
    """Of an order that succeeded there is nothing to undo."""
    await recording.shop.outcome(await recording.place())
    return await _reconciled(recording)


def finds_broken_off(during: str, *, dry_run: bool = False, deleted: bool = False) -> Play:
    """Terminate an order during a step, whose action arrives when all is undone."""

    async def play(recording: Recording) -> Run:
        gate = recording.hold(during)
        order = await recording.place()
        await gate.until_reached()
        await recording.shop.terminate(order)
        if deleted:
            await recording.shop.delete(order)
        reconciler = await _reconciled(recording, dry_run=dry_run)
        gate.open.set()
        return reconciler

    return play


async def _reconciled(recording: Recording, *, dry_run: bool = False) -> Run:
    handle = await begin(recording.shop, dry_run=dry_run)
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


def leaves(during: str, *actions: str) -> Play:
    """Do the same, seen from the run that undoes it; an operator decides on the payment."""

    async def play(recording: Recording) -> Run:
        gate = recording.hold(during)
        order = await recording.place()
        await gate.until_reached()
        await recording.shop.terminate(order)
        await _reconciled(recording)
        gate.open.set()
        leftover = leftover_of(recording.shop, order)
        for action in actions:
            await resolve(leftover, action)
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
    broken = permanent("refund_payment")
    yield run("in_vain", "FAILED", finds_broken_off("prepare_shipping"), broken)
    # Of one that was deleted it waits until its services are quiet, if they are not yet.
    deleted = finds_broken_off("prepare_shipping", deleted=True)
    yield run("deleted", "COMPLETED", deleted)
    yield leftover("undone", leaves("prepare_shipping"))
    yield leftover("retried", leaves("prepare_shipping", "retry"), REFUND_FAILS_ONCE)
    settled = leaves("prepare_shipping", "mark_resolved")
    yield leftover("resolved_by_hand", settled, REFUND_FAILS_ONCE)
