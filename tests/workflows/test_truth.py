"""Promises 25 to 27, 31: what Temporal forgets, resets or never knew moves no money."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

import services.records
from messages.failures import OrderAlreadyPlaced
from messages.orders import Order
from messages.reconciliation import Examined, Leftover
from messages.runs import RunRef
from messages.sagas import SagaRolledBack, SagaStatus, SagaSucceeded
from services import identity
from services.audit import audit
from services.faults import FaultPlan
from services.mock import open_services
from tests.harness import ledgers
from tests.harness.builders import an_order
from tests.workflows.conftest import Handle, OpenShop, Policies, Shop
from tests.workflows.reconciling import (
    NAMES,
    assert_nothing_left,
    delete,
    leftover_of,
    reconcile,
    terminate,
)
from worker import worker_config
from workflows import policies
from workflows.orchestration.order_saga import OrderSaga
from workflows.reconciliation.undo_leftover import UndoLeftover

SHIPPING_REFUSES = {"operations": ["prepare_shipping"], "kind": "refusal", "rate": 1.0}
REFUND_BREAKS = {"operations": ["refund_payment"], "kind": "permanent", "count": 1}
BY_HAND = {"step": "process_payment", "operator": "ada", "note": "letter 4711"}


async def parked(shop: Shop, order: Order) -> Handle:
    """An order that turned back, and whose refund waits for an operator."""
    handle = await shop.start(order)
    await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
    return handle


async def resolve(handle: WorkflowHandle[Any, Any], action: str, step: str = "") -> None:
    decision = {**BY_HAND, "step": step or BY_HAND["step"], "action": action}
    await handle.execute_update("resolve_compensation", decision)


@pytest.fixture
def soon_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services count as quiet at once."""
    monkeypatch.setattr(policies, "QUIET", policies.QUIET * 0)


@pytest.mark.usefixtures("soon_quiet")
async def test_what_was_settled_by_hand_is_not_refunded_once_temporal_has_forgotten(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_BREAKS) as shop:
        handle = await parked(shop, order)
        await resolve(handle, "mark_resolved")
        result = await shop.outcome(handle)
        assert isinstance(result, SagaRolledBack)
        assert result.resolved_manually == ("process_payment",)
        await delete(shop, handle)
        await assert_nothing_left(shop)
        states = ledgers.states(shop.settings, order.order_id)
        assert states["process_payment"] == ["settled"]
        assert audit(shop.settings.ledger_urls(), {}).clean


async def test_the_run_closes_only_once_the_decision_is_in_the_ledger(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_BREAKS, worker=False) as shop:
        async with shop.new_worker():
            handle = await parked(shop, order)
        async with shop.deciding_worker():
            await resolve(handle, "mark_resolved")
            await shop.until_status(handle, SagaStatus.COMPENSATING)
            assert ledgers.states(shop.settings, order.order_id)["process_payment"] == ["applied"]
            assert (await handle.describe()).close_time is None
        async with shop.new_worker():
            await shop.outcome(handle)
        assert ledgers.states(shop.settings, order.order_id)["process_payment"] == ["settled"]


async def test_a_charge_that_lands_after_it_was_settled_by_hand_is_kept_out(
    open_shop: OpenShop, policies_with: Policies
) -> None:
    policies_with(attempt=0.5, window=1)
    order = an_order()
    hangs = {"operations": ["process_payment"], "kind": "delay", "seconds": 3, "rate": 1.0}
    async with open_shop(hangs, REFUND_BREAKS) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await resolve(handle, "mark_resolved")
        await shop.outcome(handle)
    # The worker has waited for the late charge.
    assert shop.standing(order) == []
    assert shop.effects(order) == 1


async def test_an_order_that_temporal_has_forgotten_is_not_charged_again(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop() as shop:
        first = await shop.start(order)
        assert isinstance(await shop.outcome(first), SagaSucceeded)
        await delete(shop, first)
        refused = await shop.place(order)
        assert isinstance(refused, SagaRolledBack)
        assert OrderAlreadyPlaced.__name__ in refused.error
        assert (first.first_execution_run_id or "no run") in refused.error
        assert shop.standing(order) == NAMES
        assert shop.effects(order) == len(NAMES)


async def test_an_order_in_both_modes_happens_once(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        led, told = await shop.start(order, skip_time=False), await shop.create(order)
        ends = [await shop.outcome(led), await shop.outcome(told)]
        assert sorted(end.status for end in ends) == ["FAILED", "SUCCESS"]
        assert shop.standing(order) == NAMES
        assert shop.effects(order) == len(NAMES)


async def test_a_parked_order_that_is_reset_is_really_undone(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_BREAKS) as shop:
        handle = await parked(shop, order)
        again = await shop.reset_to_its_first_task(handle)
        result = await shop.outcome(again)
        assert isinstance(result, SagaRolledBack)
        assert "process_payment" in result.compensated_steps
        assert shop.standing(order) == []


async def test_a_parked_order_that_is_reset_is_parked_again_when_its_undo_still_fails(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    always = {**REFUND_BREAKS, "count": 2}
    async with open_shop(SHIPPING_REFUSES, always) as shop:
        again = await shop.reset_to_its_first_task(await parked(shop, order))
        await shop.until_status(again, SagaStatus.NEEDS_INTERVENTION)
        assert shop.standing(order) == ["process_payment"]
        await resolve(again, "retry")
        await shop.outcome(again)
        assert shop.standing(order) == []


async def test_what_was_settled_by_hand_stays_so_when_the_order_is_reset(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_BREAKS) as shop:
        handle = await parked(shop, order)
        await resolve(handle, "mark_resolved")
        await shop.outcome(handle)
        again = await shop.reset_to_its_first_task(handle)
        result = await shop.outcome(again)
        assert isinstance(result, SagaRolledBack)
        assert "process_payment" in result.resolved_manually
        assert "reversed" not in ledgers.states(shop.settings, order.order_id)["process_payment"]


async def test_a_reset_order_does_not_succeed_on_what_its_earlier_life_has_undone(
    open_shop: OpenShop,
) -> None:
    """It is reset to where its history has the charge as done, and shipping is mended."""
    order = an_order()
    once = {"operations": ["prepare_shipping"], "kind": "permanent", "when": "before", "count": 1}
    async with open_shop(once) as shop:
        handle = await shop.start(order)
        assert isinstance(await shop.outcome(handle), SagaRolledBack)
        # The task that took the charge's reply, and began the shipment.
        again = await shop.reset_to_task(handle, 3)
        result = await shop.outcome(again)
        assert isinstance(result, SagaRolledBack)
        assert shop.standing(order) == []


@pytest.mark.usefixtures("soon_quiet")
@pytest.mark.parametrize("sealed_before", [False, True])
@pytest.mark.parametrize("forgotten", [False, True])
async def test_a_lost_ledger_is_no_evidence_and_an_operator_decides(
    open_shop: OpenShop, tmp_path: Path, sealed_before: bool, forgotten: bool
) -> None:
    orders = [an_order() for _ in range(2)]
    async with open_shop(worker=False) as shop:
        async with shop.new_worker():
            handles = [await shop.start(order) for order in orders]
            for handle in handles:
                assert isinstance(await shop.outcome(handle), SagaSucceeded)
            if sealed_before:
                await assert_nothing_left(shop)
            for handle in handles if forgotten else ():
                await delete(shop, handle)
        lost = shop.settings.model_copy(
            update={"loyalty_url": f"sqlite:///{tmp_path / 'another.db'}"}
        )
        with closing(open_services(lost.ledger_urls(), FaultPlan())) as opened:
            async with Worker(**worker_config(shop.env.client, opened, lost)):
                report = await reconcile(shop)
                assert report.undone == 0
                assert {run.order_id for run in report.listed if run.unproved} == {
                    order.order_id for order in orders
                }
                for handle in handles:
                    leftover = leftover_of(shop, handle)
                    await shop.until_listed_as(leftover, SagaStatus.NEEDS_INTERVENTION)
                    for step in NAMES[:3]:
                        await resolve(leftover, "keep", step)
                    assert set((await leftover.result()).kept) == set(NAMES[:3])
                await assert_nothing_left(shop)
        assert all(shop.standing(order) == NAMES for order in orders)


@pytest.mark.usefixtures("soon_quiet")
@pytest.mark.parametrize("action", ["retry", "mark_resolved"])
async def test_what_is_not_proved_is_undone_when_an_operator_says_so(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(identity, "SEEN_WITHIN", 0)
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "rate": 1.0}
    order = an_order()
    async with open_shop(waiting) as shop:
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, "prepare_shipping", running=False)
        await delete(shop, handle)
        # From here on, the ledgers prove nothing about the time before.
        with closing(open_services(shop.settings.ledger_urls(), FaultPlan())):
            report = await reconcile(shop)
        assert (report.undone, report.failed) == (0, 2)
        assert shop.standing(order) == NAMES[:2]
        leftover = leftover_of(shop, handle)
        for step in NAMES[:2]:
            await resolve(leftover, action, step)
        result = await leftover.result()
        assert set(result.undone if action == "retry" else result.resolved_manually) == set(
            NAMES[:2]
        )
        assert shop.standing(order) == []
        await assert_nothing_left(shop)


@pytest.mark.usefixtures("soon_quiet")
@pytest.mark.parametrize("first_is_gone", [False, True])
async def test_an_order_that_was_reset_is_not_undone_when_its_end_is_gone(
    open_shop: OpenShop, first_is_gone: bool
) -> None:
    """What is left of it was terminated: by the reset, which says nothing about its end."""
    order = an_order()
    for_a_while = {"operations": ["prepare_shipping"], "kind": "transient", "count": 6}
    async with open_shop(for_a_while) as shop:
        first = await shop.start(order, skip_time=False)
        await shop.until_attempt(first, "prepare_shipping", running=False)
        second = await shop.reset_to_its_first_task(first)
        await shop.until_attempt(second, "prepare_shipping", running=False)
        third = await shop.reset_to_its_first_task(second)
        assert isinstance(await shop.outcome(third), SagaSucceeded)
        assert await shop.closed_as(second) is WorkflowExecutionStatus.TERMINATED
        await delete(shop, third)
        if first_is_gone:
            run_id = first.first_execution_run_id
            await delete(
                shop,
                shop.env.client.get_workflow_handle_for(OrderSaga.run, first.id, run_id=run_id),
            )
        await assert_nothing_left(shop)
        assert shop.standing(order) == NAMES


async def test_a_search_that_finds_many_runs_gone_stops_and_asks(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MANY_GONE", 1)
    monkeypatch.setattr(policies, "QUIET", policies.QUIET * 0)
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "rate": 1.0}
    orders = [an_order() for _ in range(3)]
    async with open_shop(waiting) as shop:
        handles = []
        for order in orders:
            handles.append(await shop.start(order, skip_time=False))
            await shop.until_attempt(handles[-1], "prepare_shipping", running=False)
        await delete(shop, handles[0])
        await delete(shop, handles[1])
        await terminate(shop, handles[2])
        report = await reconcile(shop)
        assert report.stopped is not None
        assert report.stopped.startswith("2 runs")
        # What is proved is not held up by it.
        assert [run.order_id for run in report.listed] == [orders[2].order_id]
        assert all(shop.standing(order) == NAMES[:2] for order in orders[:2])
        assert (await reconcile(shop, however_many=True)).undone == 4
        assert all(shop.standing(order) == [] for order in orders)


@pytest.mark.parametrize("however_many", [False, True])
async def test_a_search_goes_no_further_when_it_has_found_too_much_for_one_time(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, however_many: bool
) -> None:
    monkeypatch.setattr(services.records, "_PAGE", 1)
    monkeypatch.setattr(policies, "QUIET", policies.QUIET * 0)
    for limit in ("MANY_GONE", "MANY_AT_ONCE"):
        monkeypatch.setattr(policies, limit, 1)
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "rate": 1.0}
    async with open_shop(waiting) as shop:
        for order in (an_order() for _ in range(3)):
            handle = await shop.start(order, skip_time=False)
            await shop.until_attempt(handle, "prepare_shipping", running=False)
            await delete(shop, handle)
        report = await reconcile(shop, however_many=however_many)
        assert report.stopped is not None
        assert report.stopped.startswith("2 runs")
        assert report.orders == (2 if however_many else 0)
        while report.stopped is not None:
            report = await reconcile(shop, however_many=True)
        await assert_nothing_left(shop)


async def test_one_run_that_cannot_be_read_stops_no_other(open_shop: OpenShop) -> None:
    order = an_order()
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "rate": 1.0}
    async with open_shop(waiting) as shop:
        unreadable = await shop.env.client.start_workflow(
            "OrderSaga", args=[b"raw", 2], id="order_saga_raw", task_queue=shop.settings.task_queue
        )
        handle = await shop.start(order, skip_time=False)
        await shop.until_attempt(handle, "prepare_shipping", running=False)
        await terminate(shop, handle)
        if (await unreadable.describe()).close_time is None:
            await unreadable.terminate()
        assert (await reconcile(shop)).undone == 2
        assert shop.standing(order) == []


@pytest.mark.parametrize("answer", ["none", "another run"])
async def test_a_leftover_of_which_temporal_does_not_tell_any_more_is_not_undone(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Between the search and the undoing a reset may have brought its run back."""
    short = replace(policies.SEARCH, window=timedelta(seconds=1))
    monkeypatch.setattr(policies, "SEARCH", short)
    waiting = {"operations": ["prepare_shipping"], "kind": "transient", "rate": 1.0}
    order = an_order()

    @activity.defn(name="examine_runs")
    async def examine_nothing(_runs: list[RunRef]) -> Examined:
        if answer == "none":
            raise ApplicationError("Temporal does not answer")
        return Examined(runs=(), retention_seconds=0)

    async with open_shop(waiting, worker=False) as shop:
        async with shop.new_worker():
            handle = await shop.start(order, skip_time=False)
            await shop.until_attempt(handle, "prepare_shipping", running=False)
        await shop.reset_to_its_first_task(handle)
        config = worker_config(shop.env.client, shop.services, shop.settings)
        config["workflows"] = [UndoLeftover]
        others = [a for a in config["activities"] if a.__name__ != "examine_runs"]
        config["activities"] = [*others, examine_nothing]
        async with Worker(**config):
            leftover = await shop.env.client.start_workflow(
                UndoLeftover.run,
                Leftover(
                    run=RunRef(handle.id, handle.first_execution_run_id or ""),
                    order_id=order.order_id,
                    ended="terminated",
                    why="it was terminated",
                    steps=tuple(NAMES[:2]),
                    standing=tuple(NAMES[:2]),
                ),
                id=leftover_of(shop, handle).id,
                task_queue=shop.settings.task_queue,
            )
            await shop.until_listed_as(leftover, SagaStatus.NEEDS_INTERVENTION)
            assert shop.standing(order) == NAMES[:2]
            for step in NAMES[:2]:
                await resolve(leftover, "retry", step)
            assert set((await leftover.result()).undone) == set(NAMES[:2])
        await shop.env.client.get_workflow_handle(handle.id).terminate("test")


async def test_while_it_is_recorded_that_an_effect_is_kept_nothing_else_can_be_decided(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop:
        async with shop.new_worker():
            handle = await shop.start(order)
            await shop.outcome(handle)
        async with shop.deciding_worker():
            leftover = await shop.env.client.start_workflow(
                UndoLeftover.run,
                Leftover(
                    run=RunRef(handle.id, handle.first_execution_run_id or ""),
                    order_id=order.order_id,
                    ended="gone",
                    why="nobody knows",
                    unproved=True,
                    steps=("process_payment",),
                    standing=("process_payment",),
                ),
                id=leftover_of(shop, handle).id,
                task_queue=shop.settings.task_queue,
            )
            await shop.until_listed_as(leftover, SagaStatus.NEEDS_INTERVENTION)
            await resolve(leftover, "keep")
            # No worker is there to record it.
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await resolve(leftover, "mark_resolved")
            assert "does not wait for an operator" in str(refused.value.cause)
        async with shop.new_worker():
            result = await leftover.result()
        assert (result.kept, result.resolved_manually) == (("process_payment",), ())
        assert shop.standing(order) == NAMES
