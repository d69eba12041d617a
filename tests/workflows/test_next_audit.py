"""The next audit asks Temporal about each run that may be wrong, however long it is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import RawValue
from temporalio.testing import WorkflowEnvironment

from cli.audit import audit_with_temporal
from messages.ids import order_saga_id
from messages.orders import Order
from services.audit import AuditReport
from tests.harness.builders import an_id, an_order, requests_for
from tests.harness.faults import transient
from tests.harness.foreign_workflows import NoWayBack
from tests.harness.opening import unaudited_shop
from tests.harness.participants import operations
from tests.harness.placing import half_done
from tests.harness.reconciling import reconcile
from tests.harness.runs import Run, first_run, pause
from tests.harness.shop import Handle, Shop
from tests.harness.steps import SERVICES
from tests.harness.waiting import until

GARBAGE = RawValue(Payload(metadata={"encoding": b"binary/unheard-of"}, data=b"\xff"))


@pytest.fixture(autouse=True)
def _lists_are_never_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next audit lists no run a second time that closed before."""
    monkeypatch.setattr("runs.facts._LATE", timedelta(0))


@pytest.fixture
async def shop(env: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop in which shipping is down for orders that stop half way; without a worker."""
    down = transient("prepare_shipping", orders="half*")
    async with unaudited_shop(env, tmp_path / "data", down, worker=False) as shop:
        yield shop


async def audited(shop: Shop, *, full: bool = False) -> AuditReport:
    ledgers = shop.settings.ledger_urls()
    return await audit_with_temporal(shop.client, shop.settings.task_queue, ledgers, full=full)


async def success(shop: Shop) -> tuple[Order, Handle]:
    """An order that succeeds, and that Temporal lists as closed after all earlier ones."""
    order = an_order()
    handle = await shop.place(order)
    await shop.succeeds(handle)
    await until_listed(shop, handle, WorkflowExecutionStatus.COMPLETED)
    return order, handle


async def until_listed(shop: Shop, handle: Run, status: WorkflowExecutionStatus) -> None:
    name = status.name.title()
    run_id = handle.run_id or handle.result_run_id
    query = f'RunId = "{run_id}" AND ExecutionStatus = "{name}"'

    async def listed() -> bool:
        return (await shop.client.count_workflows(query)).count > 0

    await until(listed)


async def test_what_was_left_behind_is_named_until_it_is_undone(shop: Shop) -> None:
    async with shop.worker():
        handle = await half_done(shop, an_order(an_id("half")))
        await shop.terminate(handle)
        for _ in range(3):
            await success(shop)
            report = await audited(shop)
            [violation] = report.violations
            assert (violation.run_id, violation.left_behind) == (first_run(handle), True)
        assert report == await audited(shop, full=True)
        assert (await reconcile(shop)).all_done
        for _ in range(2):
            report = await audited(shop)
            assert report.clean
            assert (report.succeeded, report.rolled_back) == (3, 1)


@pytest.mark.parametrize("lost", [("payment",), SERVICES])
async def test_a_success_that_loses_effects_long_after_it_was_proved_is_named(
    shop: Shop, lost: tuple[str, ...]
) -> None:
    async with shop.worker():
        order, handle = await success(shop)
        for _ in range(2):
            await success(shop)
            assert (await audited(shop)).clean
        for service in lost:
            request = getattr(requests_for(order, first_run(handle)), service)
            operations(shop.services, service)[1](request)
        for full in (False, False, True, False):
            [violation] = (await audited(shop, full=full)).violations
            assert "the saga succeeded, but" in violation.problem
            assert violation.run_id == first_run(handle)


async def test_a_reset_of_a_proved_run_makes_it_doubtful(shop: Shop) -> None:
    async with shop.worker():
        _, handle = await success(shop)
        await success(shop)
        assert (await audited(shop)).succeeded == 2
    again = await shop.reset(handle)
    await until_listed(shop, again, WorkflowExecutionStatus.RUNNING)
    report = await audited(shop)
    assert report.clean
    assert (report.succeeded, report.in_flight) == (1, 1)
    await shop.terminate(again)
    async with shop.worker():
        for _ in range(2):
            await success(shop)
            [violation] = (await audited(shop)).violations
            assert violation.run_id == first_run(handle)
            assert "terminated" in violation.problem


async def test_a_run_that_left_nothing_is_counted_once(shop: Shop) -> None:
    await shop.terminate(await shop.place(an_order()))
    async with shop.worker():
        for successes in range(1, 4):
            await success(shop)
            report = await audited(shop)
            assert report.clean
            assert (report.succeeded, report.rolled_back) == (successes, 1)
        assert await audited(shop, full=True) == report == await audited(shop)


async def test_a_run_that_somebody_has_paused_is_counted_each_time(shop: Shop) -> None:
    await pause(shop.client, await shop.place(an_order()))
    async with shop.worker():
        for successes in range(1, 3):
            await success(shop)
            report = await audited(shop)
            assert (report.succeeded, report.in_flight) == (successes, 1)
        assert await audited(shop, full=True) == report


async def test_a_run_that_cannot_be_read_is_named_each_time(shop: Shop) -> None:
    run = await unreadable_run(shop, an_id())
    await assert_cannot_be_judged(shop, run)


async def test_so_is_one_that_the_ledgers_know(shop: Shop) -> None:
    order = an_order()
    run = await unreadable_run(shop, order_saga_id(order.order_id))
    request = requests_for(order, run.result_run_id or "").payment
    act, undo = operations(shop.services, "payment")
    act(request)
    undo(request)
    # Two runs with one id are asked about, since one may be a reset of the other.
    await assert_cannot_be_judged(shop, run, await unreadable_run(shop, run.id))


async def unreadable_run(shop: Shop, workflow_id: str) -> Run:
    async with shop.worker(workflows=[NoWayBack]):
        run = await shop.begin("OrderSaga", workflow_id=workflow_id, memo={"result": GARBAGE})
        await run.cancel()
        await until_listed(shop, run, WorkflowExecutionStatus.CANCELED)
    return run


async def assert_cannot_be_judged(shop: Shop, *runs: Run) -> None:
    async with shop.worker():
        for full in (False, False, True, False):
            await success(shop)
            violations = (await audited(shop, full=full)).violations
            assert all("cannot be judged" in violation.problem for violation in violations)
            assert {v.run_id for v in violations} == {run.result_run_id for run in runs}
