"""Promises 25 to 27, 31: what Temporal forgets, resets or never knew moves no money."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from cli.modes import Mode
from messages.failures import OrderAlreadyPlaced
from messages.orders import Order
from messages.reconciliation import Examined, Leftover
from messages.runs import RunRef
from messages.sagas import SagaRolledBack, SagaStatus
from services import identity
from services.audit import audit
from services.faults import FaultPlan
from services.mock import open_services
from tests.harness.builders import an_order
from tests.harness.faults import (
    REFUND_FAILS_ONCE,
    SHIPPING_IS_DOWN,
    SHIPPING_REFUSES,
    delay,
    permanent,
    transient,
)
from tests.harness.opening import OpenShop
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_retrying
from tests.harness.reconciling import assert_nothing_left, leftover_of, reconcile
from tests.harness.runs import closed_as, first_run, resolve
from tests.harness.shop import Handle, Shop
from tests.harness.steps import STEPS
from worker import worker_config
from workflows.orchestration.order_saga import OrderSaga
from workflows.reconciliation.undo_leftover import UndoLeftover


async def parked(shop: Shop, order: Order) -> Handle:
    """An order that turned back, and whose refund waits for an operator."""
    handle = await shop.place(order, skip_time=True)
    await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
    return handle


@pytest.fixture
def soon_quiet(policies_with: ChangePolicies) -> None:
    """Services count as quiet at once."""
    policies_with(quiet=0)


@pytest.mark.usefixtures("soon_quiet")
async def test_what_was_settled_by_hand_is_not_refunded_once_temporal_has_forgotten(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_FAILS_ONCE) as shop:
        handle = await parked(shop, order)
        await resolve(handle, "mark_resolved")
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == ("process_payment",)
        await shop.delete(handle)
        await assert_nothing_left(shop)
        states = shop.states(order)
        assert states["process_payment"] == ["settled"]
        assert audit(shop.settings.ledger_urls(), {}).clean


async def test_the_run_closes_only_once_the_decision_is_in_the_ledger(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_FAILS_ONCE, worker=False) as shop:
        async with shop.worker():
            handle = await parked(shop, order)
        async with shop.deciding_worker():
            await resolve(handle, "mark_resolved")
            await shop.until_status(handle, SagaStatus.COMPENSATING)
            assert shop.states(order)["process_payment"] == ["applied"]
            assert (await handle.describe()).close_time is None
        async with shop.worker():
            await shop.outcome(handle)
        assert shop.states(order)["process_payment"] == ["settled"]


async def test_a_charge_that_lands_after_it_was_settled_by_hand_is_kept_out(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    policies_with(attempt=0.5, window=1)
    order = an_order()
    hangs = delay("process_payment", seconds=3)
    async with open_shop(hangs, REFUND_FAILS_ONCE) as shop:
        handle = await shop.place(order)
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
        first = await shop.place(order, skip_time=True)
        await shop.succeeds(first)
        await shop.delete(first)
        refused = await shop.outcome_of(order)
        assert isinstance(refused, SagaRolledBack)
        assert OrderAlreadyPlaced.__name__ in refused.error
        assert (first.first_execution_run_id or "no run") in refused.error
        assert shop.standing(order) == STEPS
        assert shop.effects(order) == len(STEPS)


async def test_an_order_in_both_modes_happens_once(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        led, told = await shop.place(order), await shop.place(order, Mode.CHOREOGRAPHY)
        ends = [await shop.outcome(led), await shop.outcome(told)]
        assert sorted(end.status for end in ends) == ["FAILED", "SUCCESS"]
        assert shop.standing(order) == STEPS
        assert shop.effects(order) == len(STEPS)


async def test_a_parked_order_that_is_reset_is_really_undone(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_FAILS_ONCE) as shop:
        handle = await parked(shop, order)
        again = await shop.reset(handle)
        result = await shop.rolls_back(again)
        assert "process_payment" in result.compensated_steps
        assert shop.standing(order) == []


async def test_a_parked_order_that_is_reset_is_parked_again_when_its_undo_still_fails(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, permanent("refund_payment", times=2)) as shop:
        again = await shop.reset(await parked(shop, order))
        await shop.until_status(again, SagaStatus.NEEDS_INTERVENTION)
        assert shop.standing(order) == ["process_payment"]
        await resolve(again, "retry")
        await shop.outcome(again)
        assert shop.standing(order) == []


async def test_what_was_settled_by_hand_stays_so_when_the_order_is_reset(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES, REFUND_FAILS_ONCE) as shop:
        handle = await parked(shop, order)
        await resolve(handle, "mark_resolved")
        await shop.outcome(handle)
        again = await shop.reset(handle)
        result = await shop.rolls_back(again)
        assert "process_payment" in result.resolved_manually
        assert "reversed" not in shop.states(order)["process_payment"]


async def test_a_reset_order_does_not_succeed_on_what_its_earlier_life_has_undone(
    open_shop: OpenShop,
) -> None:
    """It is reset to where its history has the charge as done, and shipping is mended."""
    order = an_order()
    once = permanent("prepare_shipping", times=1, when="before")
    async with open_shop(once) as shop:
        handle = await shop.place(order, skip_time=True)
        await shop.rolls_back(handle)
        # The task that took the charge's reply, and began the shipment.
        again = await shop.reset(handle, 3)
        await shop.rolls_back(again)
        assert shop.standing(order) == []


@pytest.mark.usefixtures("soon_quiet")
async def test_a_lost_ledger_is_no_evidence_and_an_operator_decides(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    orders = [an_order() for _ in range(2)]
    async with open_shop(worker=False) as shop:
        async with shop.worker():
            handles = [await shop.place(order, skip_time=True) for order in orders]
            for handle in handles:
                await shop.succeeds(handle)
                await shop.delete(handle)
        lost = shop.settings.model_copy(
            update={"loyalty_url": f"sqlite:///{tmp_path / 'another.db'}"}
        )
        with closing(open_services(lost.ledger_urls(), FaultPlan())) as services:
            async with Worker(**worker_config(shop.client, services, lost)):
                report = await reconcile(shop)
                assert report.undone == 0
                assert {run.order_id for run in report.listed if run.unproved} == {
                    order.order_id for order in orders
                }
                for handle in handles:
                    leftover = leftover_of(shop, handle)
                    await shop.until_listed_as(leftover, SagaStatus.NEEDS_INTERVENTION)
                    for step in STEPS[:3]:
                        await resolve(leftover, "keep", step)
                    assert set((await leftover.result()).kept) == set(STEPS[:3])
                await assert_nothing_left(shop)
        assert all(shop.standing(order) == STEPS for order in orders)


@pytest.mark.usefixtures("soon_quiet")
@pytest.mark.parametrize("action", ["retry", "mark_resolved"])
async def test_what_is_not_proved_is_undone_when_an_operator_says_so(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(identity, "SEEN_WITHIN", 0)
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        handle = await shop.place(order)
        await until_retrying(handle, "prepare_shipping")
        await shop.delete(handle)
        # From here on, the ledgers prove nothing about the time before.
        with closing(open_services(shop.settings.ledger_urls(), FaultPlan())):
            report = await reconcile(shop)
        assert (report.undone, report.failed) == (0, 2)
        assert shop.standing(order) == STEPS[:2]
        leftover = leftover_of(shop, handle)
        for step in STEPS[:2]:
            await resolve(leftover, action, step)
        result = await leftover.result()
        assert set(result.undone if action == "retry" else result.resolved_manually) == set(
            STEPS[:2]
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
    for_a_while = transient("prepare_shipping", times=6)
    async with open_shop(for_a_while) as shop:
        first = await shop.place(order)
        await until_retrying(first, "prepare_shipping")
        second = await shop.reset(first)
        await until_retrying(second, "prepare_shipping")
        third = await shop.reset(second)
        await shop.succeeds(third)
        assert await closed_as(second) is WorkflowExecutionStatus.TERMINATED
        await shop.delete(third)
        if first_is_gone:
            run_id = first.first_execution_run_id
            await shop.delete(
                shop.client.get_workflow_handle_for(OrderSaga.run, first.id, run_id=run_id)
            )
        await assert_nothing_left(shop)
        assert shop.standing(order) == STEPS


async def test_a_search_that_finds_many_runs_gone_stops_and_asks(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    policies_with(many_gone=1, quiet=0)
    orders = [an_order() for _ in range(3)]
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        handles = []
        for order in orders:
            handles.append(await shop.place(order))
            await until_retrying(handles[-1], "prepare_shipping")
        await shop.delete(handles[0])
        await shop.delete(handles[1])
        await shop.terminate(handles[2])
        report = await reconcile(shop)
        assert report.stopped is not None
        assert report.stopped.startswith("2 runs")
        # What is proved is not held up by it.
        assert [run.order_id for run in report.listed] == [orders[2].order_id]
        assert all(shop.standing(order) == STEPS[:2] for order in orders[:2])
        assert (await reconcile(shop, however_many=True)).undone == 4
        assert all(shop.standing(order) == [] for order in orders)


async def test_one_run_that_cannot_be_read_stops_no_other(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        unreadable = await shop.client.start_workflow(
            "OrderSaga", args=[b"raw", 2], id="order_saga_raw", task_queue=shop.settings.task_queue
        )
        handle = await shop.place(order)
        await until_retrying(handle, "prepare_shipping")
        await shop.terminate(handle)
        if (await unreadable.describe()).close_time is None:
            await unreadable.terminate()
        assert (await reconcile(shop)).undone == 2
        assert shop.standing(order) == []


@pytest.mark.parametrize("answer", ["none", "another run"])
async def test_a_leftover_of_which_temporal_does_not_tell_any_more_is_not_undone(
    open_shop: OpenShop, policies_with: ChangePolicies, answer: str
) -> None:
    """Between the search and the undoing a reset may have brought its run back."""
    policies_with(search=1)
    order = an_order()

    @activity.defn(name="examine_runs")
    async def examine_nothing(_runs: list[RunRef]) -> Examined:
        if answer == "none":
            raise ApplicationError("Temporal does not answer")
        return Examined(runs=(), retention_seconds=0)

    async with open_shop(SHIPPING_IS_DOWN, worker=False) as shop:
        async with shop.worker():
            handle = await shop.place(order)
            await until_retrying(handle, "prepare_shipping")
        await shop.reset(handle)
        config = worker_config(shop.client, shop.services, shop.settings)
        config["workflows"] = [UndoLeftover]
        others = [a for a in config["activities"] if a.__name__ != "examine_runs"]
        config["activities"] = [*others, examine_nothing]
        async with Worker(**config):
            leftover = await shop.client.start_workflow(
                UndoLeftover.run,
                Leftover(
                    run=RunRef(handle.id, first_run(handle)),
                    order_id=order.order_id,
                    ended="terminated",
                    why="it was terminated",
                    steps=tuple(STEPS[:2]),
                    standing=tuple(STEPS[:2]),
                ),
                id=leftover_of(shop, handle).id,
                task_queue=shop.settings.task_queue,
            )
            await shop.until_listed_as(leftover, SagaStatus.NEEDS_INTERVENTION)
            assert shop.standing(order) == STEPS[:2]
            for step in STEPS[:2]:
                await resolve(leftover, "retry", step)
            assert set((await leftover.result()).undone) == set(STEPS[:2])
        await shop.client.get_workflow_handle(handle.id).terminate("test")
