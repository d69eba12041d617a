"""A sale of three kinds of step: each trouble at each step, with each cancel while it is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from messages.sagas import CancelOrder, SagaSucceeded, StepState
from tests.harness.policies import ChangePolicies
from tests.harness.runs import Run, resolve
from tests.harness.sales import Sales, assert_rolled_back, sales_in
from tests.replay.replaying import replayer
from tests.second_saga.sale import Sale

STEPS = ["authorize", "ship", "capture", "send_receipt"]
FINAL = STEPS[1:]
CANCELS = ["no cancel", "by update", "natively"]

#: Troubles after which the next attempt tells what is the case.
PASSING = ["nothing", "transient before", "transient after", "late"]
#: Troubles after which nobody but the service knows whether the step was done.
UNKNOWN = ["permanent before", "permanent after"]

each_cancel = pytest.mark.parametrize("cancel", CANCELS)


def _in_turn(*combinations: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the combinations, each with one of the cancels: by turns, so that all pairs occur."""
    return [(*each, CANCELS[turn % len(CANCELS)]) for turn, each in enumerate(combinations)]


@pytest.fixture
async def sales(env: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Sales]:
    async with sales_in(env, tmp_path) as sales:
        yield sales


async def _cancelled_at(sales: Sales, step: str, cancel: str) -> Run:
    """Begin a sale, and cancel it while an attempt of the step is on its way."""
    sales.services.hold(step)
    sale = await sales.begin()
    await sales.until_begun(step)
    if cancel == "natively":
        await sale.cancel()
    elif cancel == "by update" and step == "authorize":
        await sale.execute_update(Sale.cancel_order, CancelOrder())
    elif cancel == "by update":
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await sale.execute_update(Sale.cancel_order, CancelOrder())
        assert "too late to cancel: ship cannot be undone" in str(refused.value.cause)
    sales.services.let_go()
    return sale


async def _replays(sale: Run) -> None:
    await replayer(Sale, sandbox=False).replay_workflow(await sale.fetch_history())


async def _succeeds(sales: Sales, sale: Run, standing: list[str]) -> None:
    result = await sales.end(sale)
    assert result == SagaSucceeded(saga_id=f"sale of {sale.id}", completed_steps=4)
    assert sales.services.standing(sale.id) == standing
    assert "void_authorization" not in sales.services.calls
    await _replays(sale)


async def _is_undone(sales: Sales, sale: Run, status: str, at: str) -> None:
    assert assert_rolled_back(await sales.end(sale), status).failed_step == at
    assert sales.services.standing(sale.id) == []
    await _replays(sale)


@each_cancel
@pytest.mark.parametrize("trouble", [*PASSING, "refused", *UNKNOWN])
async def test_before_the_pivot_a_cancel_or_a_failure_undoes_everything(
    sales: Sales, trouble: str, cancel: str
) -> None:
    sales.services.trouble("authorize", trouble)
    sale = await _cancelled_at(sales, "authorize", cancel)
    if cancel != "no cancel":
        await _is_undone(sales, sale, "CANCELLED", "authorize")
    elif trouble in PASSING:
        await _succeeds(sales, sale, STEPS)
    else:
        await _is_undone(sales, sale, "FAILED", "authorize")


@pytest.mark.parametrize(("step", "trouble", "cancel"), _in_turn(*product(FINAL, PASSING)))
async def test_from_the_pivot_on_a_cancel_changes_nothing(
    sales: Sales, step: str, trouble: str, cancel: str
) -> None:
    sales.services.trouble(step, trouble)
    sale = await _cancelled_at(sales, step, cancel)
    await _succeeds(sales, sale, STEPS)


@each_cancel
async def test_a_refused_pivot_turns_the_saga_back(sales: Sales, cancel: str) -> None:
    """The cancel that Temporal could not refuse is honoured after all."""
    sales.services.trouble("ship", "refused")
    sale = await _cancelled_at(sales, "ship", cancel)
    await _is_undone(sales, sale, "CANCELLED" if cancel == "natively" else "FAILED", "ship")


@pytest.mark.parametrize(("step", "trouble", "cancel"), _in_turn(*product(FINAL, UNKNOWN)))
async def test_what_may_have_happened_is_parked_and_goes_on_when_it_is_retried(
    sales: Sales, step: str, trouble: str, cancel: str
) -> None:
    sales.services.trouble(step, trouble)
    sale = await _cancelled_at(sales, step, cancel)
    view = await sales.until_parked(sale, step)
    done = STEPS.index(step) + (trouble == "permanent after")
    assert sales.services.standing(sale.id) == STEPS[:done]
    assert view.error is None
    await resolve(sale, "retry", step)
    await _succeeds(sales, sale, STEPS)


@pytest.mark.parametrize(("step", "cancel"), _in_turn(("capture",), ("send_receipt",)))
async def test_a_refused_retriable_step_is_parked_until_it_is_done_by_hand(
    sales: Sales, step: str, cancel: str
) -> None:
    sales.services.trouble(step, "refused")
    sale = await _cancelled_at(sales, step, cancel)
    await sales.until_parked(sale, step)
    await resolve(sale, "retry", step)
    await sales.until_parked(sale, step)
    await resolve(sale, "mark_resolved", step)
    await _succeeds(sales, sale, [each for each in STEPS if each != step])
    (decided,) = [each for each in (await sales.status(sale)).steps if each.resolution]
    assert (decided.name, decided.state) == (step, StepState.SUCCESS)


@pytest.mark.parametrize(("step", "cancel"), _in_turn(*product(FINAL)))
async def test_an_operator_may_know_that_the_step_is_done(
    sales: Sales, step: str, cancel: str
) -> None:
    sales.services.trouble(step, "permanent after", passes=False)
    sale = await _cancelled_at(sales, step, cancel)
    await sales.until_parked(sale, step)
    await resolve(sale, "keep", step)
    await _succeeds(sales, sale, STEPS)


@each_cancel
async def test_an_operator_may_know_that_the_pivot_was_never_done(
    sales: Sales, cancel: str
) -> None:
    sales.services.trouble("ship", "permanent before", passes=False)
    sale = await _cancelled_at(sales, "ship", cancel)
    await sales.until_parked(sale, "ship")
    await resolve(sale, "mark_resolved", "ship")
    status = "CANCELLED" if cancel == "natively" else "FAILED"
    result = assert_rolled_back(await sales.end(sale), status)
    assert (result.failed_step, result.resolved_manually) == ("ship", ("ship",))
    if cancel != "natively":
        assert result.error.endswith("an operator recorded that it was not done")
    assert sales.services.states(sale.id) == {"authorize": "reversed", "ship": "settled"}
    await _replays(sale)


async def test_an_operator_cannot_keep_what_the_service_never_did(sales: Sales) -> None:
    sales.services.trouble("ship", "permanent before")
    sale = await sales.begin()
    await sales.until_parked(sale, "ship")
    await resolve(sale, "keep", "ship")
    view = await sales.until_parked(sale, "ship")
    while "can be kept" not in str(view.steps[1].error):
        view = await sales.until_parked(sale, "ship")
    assert sales.services.standing(sale.id) == ["authorize"]
    await resolve(sale, "retry", "ship")
    await _succeeds(sales, sale, STEPS)


@pytest.mark.parametrize("cancel", ["by update", "natively"])
async def test_a_cancel_changes_nothing_while_the_pivot_is_parked(
    sales: Sales, cancel: str
) -> None:
    sales.services.trouble("ship", "permanent after")
    sale = await sales.begin()
    await sales.until_parked(sale, "ship")
    if cancel == "natively":
        await sale.cancel()
    else:
        with pytest.raises(WorkflowUpdateFailedError):
            await sale.execute_update(Sale.cancel_order, CancelOrder())
    await resolve(sale, "retry", "ship")
    await _succeeds(sales, sale, STEPS)


@pytest.mark.parametrize("cancel", ["by update", "natively"])
async def test_a_cancel_does_not_end_the_retries_of_the_pivot(sales: Sales, cancel: str) -> None:
    sales.services.trouble("ship", "transient after", passes=False)
    sale = await _cancelled_at(sales, "ship", cancel)
    while sales.services.calls.count("ship") < 3:
        await sales.until_step(sale, "ship", StepState.RUNNING)
    sales.services.mend()
    await _succeeds(sales, sale, STEPS)


async def test_the_deadline_ends_the_way_to_the_pivot(sales: Sales) -> None:
    sales.services.trouble("authorize", "transient after", passes=False)
    sale = await sales.begin(deadline=60, skip_time=True)
    result = assert_rolled_back(await sales.end(sale), "FAILED")
    assert result.error.startswith("deadline passed")
    assert sales.services.standing(sale.id) == []


@pytest.mark.parametrize("step", FINAL)
async def test_no_deadline_ends_a_step_that_cannot_be_undone(
    sales: Sales, policies_with: ChangePolicies, step: str
) -> None:
    """It is parked when its own time is over, a day after it began."""
    policies_with(undo_pause=4.0 * 3600)
    sales.services.trouble(step, "transient before", passes=False)
    sale = await sales.begin(deadline=60, skip_time=True)
    view = await sales.until_parked(sale, step)
    parked = view.steps[STEPS.index(step)]
    assert parked.started_at is not None
    assert parked.ended_at is not None
    assert (parked.ended_at - parked.started_at).total_seconds() > 20 * 3600
    sales.services.mend()
    await resolve(sale, "retry", step)
    await _succeeds(sales, sale, STEPS)
