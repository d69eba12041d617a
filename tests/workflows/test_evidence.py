"""Promises 27 and 32: nothing is undone but on evidence, and one bad record stops no other."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

import services.records
from messages.reconciliation import Examined, Leftover
from messages.runs import RunRef
from messages.sagas import SagaStatus
from services.faults import FaultPlan
from services.mock import open_services
from tests.harness.builders import an_order
from tests.harness.faults import (
    SHIPPING_IS_DOWN,
)
from tests.harness.opening import OpenShop
from tests.harness.placing import half_done
from tests.harness.policies import ChangePolicies
from tests.harness.reconciling import assert_nothing_left, leftover_of, reconcile
from tests.harness.runs import first_run, ref_of, resolve
from tests.harness.steps import STEPS
from worker import worker_config
from workflows.reconciliation.undo_leftover import UndoLeftover


@pytest.fixture
def soon_quiet(policies_with: ChangePolicies) -> None:
    """Services count as quiet at once."""
    policies_with(quiet=0)


@pytest.mark.usefixtures("soon_quiet")
@pytest.mark.parametrize("sealed_before", [False, True])
@pytest.mark.parametrize("forgotten", [False, True])
async def test_a_lost_ledger_is_no_evidence_and_an_operator_decides(
    open_shop: OpenShop, tmp_path: Path, sealed_before: bool, forgotten: bool
) -> None:
    orders = [an_order() for _ in range(2)]
    async with open_shop(worker=False) as shop:
        async with shop.worker():
            handles = [await shop.place(order, skip_time=True) for order in orders]
            for handle in handles:
                await shop.succeeds(handle)
            if sealed_before:
                await assert_nothing_left(shop)
            for handle in handles if forgotten else ():
                await shop.delete(handle)
        lost = shop.settings.model_copy(
            update={"loyalty_url": f"sqlite:///{tmp_path / 'another.db'}"}
        )
        with closing(open_services(lost.ledger_urls(), FaultPlan())) as opened:
            async with shop.worker(config=worker_config(shop.client, opened, lost)):
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
    open_shop: OpenShop, action: str
) -> None:
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN, worker=False) as shop:
        async with shop.worker():
            handle = await half_done(shop, order)
            await shop.delete(handle)
        # Nobody had the ledgers open meanwhile, so they prove nothing about the time before.
        with closing(open_services(shop.settings.ledger_urls(), FaultPlan())) as opened:
            async with shop.worker(config=worker_config(shop.client, opened, shop.settings)):
                report = await reconcile(shop)
                assert (report.undone, report.failed) == (0, 2)
                assert shop.standing(order) == STEPS[:2]
                leftover = leftover_of(shop, handle)
                for step in STEPS[:2]:
                    await resolve(leftover, action, step)
                result = await leftover.result()
                decided = result.undone if action == "retry" else result.resolved_manually
                assert set(decided) == set(STEPS[:2])
                assert shop.standing(order) == []
                await assert_nothing_left(shop)


async def test_a_search_that_finds_many_runs_gone_stops_and_asks(
    open_shop: OpenShop, policies_with: ChangePolicies
) -> None:
    policies_with(many_gone=1, quiet=0)
    orders = [an_order() for _ in range(3)]
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        handles = []
        for order in orders:
            handles.append(await half_done(shop, order))
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


@pytest.mark.parametrize("however_many", [False, True])
async def test_a_search_goes_no_further_when_it_has_found_too_much_for_one_time(
    open_shop: OpenShop,
    policies_with: ChangePolicies,
    monkeypatch: pytest.MonkeyPatch,
    however_many: bool,
) -> None:
    monkeypatch.setattr(services.records, "_PAGE", 1)
    policies_with(quiet=0, many_gone=1, many_at_once=1)
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        for order in (an_order() for _ in range(3)):
            await shop.delete(await half_done(shop, order))
        report = await reconcile(shop, however_many=however_many)
        assert report.stopped is not None
        assert report.stopped.startswith("2 runs")
        assert report.orders == (2 if however_many else 0)
        while report.stopped is not None:
            report = await reconcile(shop, however_many=True)
        await assert_nothing_left(shop)


async def test_one_run_that_cannot_be_read_stops_no_other(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        unreadable = await shop.client.start_workflow(
            "OrderSaga", args=[b"raw", 2], id="order_saga_raw", task_queue=shop.settings.task_queue
        )
        handle = await half_done(shop, order)
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
            handle = await half_done(shop, order)
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


async def test_while_it_is_recorded_that_an_effect_is_kept_nothing_else_can_be_decided(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop:
        async with shop.worker():
            handle = await shop.place(order, skip_time=True)
            await shop.outcome(handle)
        async with shop.deciding_worker():
            leftover = await shop.client.start_workflow(
                UndoLeftover.run,
                Leftover(
                    run=ref_of(handle),
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
        async with shop.worker():
            result = await leftover.result()
        assert (result.kept, result.resolved_manually) == (("process_payment",), ())
        assert shop.standing(order) == STEPS
