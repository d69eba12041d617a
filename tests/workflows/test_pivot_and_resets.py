"""A pivot that this history may not know of: a run was reset, or takes the fast path."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from messages.sagas import CancelOrder, SagaSucceeded
from tests.harness.runs import Run, resolve, scheduled
from tests.harness.sales import Sales, assert_rolled_back, sales_in
from tests.replay.replaying import replayer
from tests.second_saga.sale import STEPS as SALE_STEPS
from tests.second_saga.sale import Sale
from workflows.orchestration.earlier_life import EarlierLife

STEPS = [step.name for step in SALE_STEPS]
FINAL = STEPS[1:]


@pytest.fixture
async def sales(env: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Sales]:
    async with sales_in(env, tmp_path) as sales:
        yield sales


@pytest.fixture
async def fast_sales(env: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Sales]:
    async with sales_in(env, tmp_path, fast_path=True) as sales:
        yield sales


async def _sold(sales: Sales) -> Run:
    sale = await sales.begin()
    assert isinstance(await sales.end(sale), SagaSucceeded)
    return sale


async def _reset_and_in_doubt(sales: Sales) -> Run:
    """Reset a sale that was done, and let it turn back before it comes to the pivot."""
    sale = await _sold(sales)
    sales.services.trouble("authorize", "permanent before")
    again = await sales.reset(sale)
    view = await sales.until_parked(again, "ship")
    assert "may have been done before the reset" in str(view.steps[1].error)
    assert sales.services.standing(sale.id) == STEPS
    return again


async def test_a_sale_that_is_reset_does_nothing_twice(sales: Sales) -> None:
    sale = await _sold(sales)
    assert isinstance(await sales.end(await sales.reset(sale)), SagaSucceeded)
    assert sales.services.standing(sale.id) == STEPS
    assert sales.services.calls.count("ship") == 2


async def test_a_reset_sale_that_turns_back_goes_on_if_the_pivot_was_done(sales: Sales) -> None:
    again = await _reset_and_in_doubt(sales)
    await resolve(again, "keep", "ship")
    assert isinstance(await sales.end(again), SagaSucceeded)
    assert sales.services.standing(again.id) == STEPS
    assert "void_authorization" not in sales.services.calls


async def test_a_reset_sale_that_turns_back_does_not_ask_the_carrier_again(sales: Sales) -> None:
    """Ask nothing that would ship the goods, if they were not shipped before the reset."""
    again = await _reset_and_in_doubt(sales)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await resolve(again, "retry", "ship")
    assert "must not be repeated" in str(refused.value.cause)
    assert sales.services.calls.count("ship") == 1
    await resolve(again, "keep", "ship")
    await sales.end(again)


async def test_a_reset_sale_whose_earlier_run_was_undone_ships_nothing(sales: Sales) -> None:
    """Its history says that the payment is authorized, but the authorization is void."""
    sales.services.trouble("ship", "refused")
    sale = await sales.begin()
    sales.services.hold("ship")
    await sales.until_begun("ship")
    sales.services.let_go()
    assert_rolled_back(await sales.end(sale), "FAILED")
    sales.services.mend()
    again = await sales.reset(sale, 2)
    await sales.until_parked(again, "ship")
    await resolve(again, "mark_resolved", "ship")
    result = assert_rolled_back(await sales.end(again), "FAILED")
    assert result.resolved_manually == ("ship",)
    assert sales.services.standing(sale.id) == []


async def test_a_cancelled_reset_sale_is_parked_before_anything_is_undone(sales: Sales) -> None:
    sale = await _sold(sales)
    sales.services.hold("authorize")
    again = await sales.reset(sale)
    await sales.until_begun("authorize")
    await again.execute_update(Sale.cancel_order, CancelOrder())
    sales.services.let_go()
    await sales.until_parked(again, "ship")
    assert sales.services.standing(sale.id) == STEPS
    await resolve(again, "keep", "ship")
    assert isinstance(await sales.end(again), SagaSucceeded)


async def test_only_what_can_be_undone_takes_the_fast_path(fast_sales: Sales) -> None:
    sale = await _sold(fast_sales)
    assert await scheduled(sale) == FINAL
    await replayer(Sale).replay_workflow(await sale.fetch_history())


def test_a_saga_that_cannot_undo_a_step_needs_the_requests_of_all() -> None:
    with pytest.raises(ValueError, match="cannot undo ship"):
        EarlierLife(SALE_STEPS, None)
