"""Ends of a run: how it closes, what it shows, and what an order id stands for."""

from __future__ import annotations

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import (
    ApplicationError,
    ApplicationErrorCategory,
    WorkflowAlreadyStartedError,
)

from messages.sagas import SagaRolledBack, SagaStatus, SagaSucceeded, StepState
from tests.harness.builders import an_order
from tests.harness.faults import REFUND_FAILS_ONCE, SHIPPING_REFUSES, lost_reply, permanent
from tests.harness.opening import OpenShop
from tests.harness.placing import parked
from tests.harness.runs import closed_as, resolve
from tests.harness.shop import Handle
from tests.harness.steps import STEPS

UNLESS_PLACED = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY


async def test_success_closes_as_completed_with_the_result_in_the_seeds_shape(
    open_shop: OpenShop,
) -> None:
    order = an_order("order_of_ada")
    async with open_shop() as shop:
        handle = await shop.place(order, skip_time=True)
        untyped = shop.client.get_workflow_handle(handle.id)
        assert await untyped.result() == {
            "saga_id": "order_saga_order_of_ada",
            "status": "SUCCESS",
            "completed_steps": 4,
        }
        assert await closed_as(handle) is WorkflowExecutionStatus.COMPLETED


async def test_the_happy_path_has_as_many_events_as_four_activities_need(
    open_shop: OpenShop,
) -> None:
    async with open_shop() as shop:
        handle = await shop.place(an_order(), skip_time=True)
        await shop.outcome(handle)
        await shop.status(handle)
        assert len((await handle.fetch_history()).events) == 29


async def test_rolled_back_closes_as_failed_and_says_so_without_opening_a_payload(
    open_shop: OpenShop,
) -> None:
    order = an_order("order_of_bob")
    async with open_shop(SHIPPING_REFUSES) as shop:
        handle = await shop.place(order, skip_time=True)
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        error = failure.value.cause
        assert isinstance(error, ApplicationError)
        assert error.details[0] == {
            "saga_id": "order_saga_order_of_bob",
            "status": "FAILED",
            "failed_step": "prepare_shipping",
            "error": SagaRolledBack.model_validate(error.details[0]).error,
            "compensated_steps": ["process_payment", "reserve_inventory"],
            "resolved_manually": [],
        }
        assert error.category is ApplicationErrorCategory.BENIGN
        assert error.non_retryable
        assert error.message.startswith("FAILED at prepare_shipping: ")
        assert "AddressNotServiceable" in error.message
        assert "Undone: process_payment, reserve_inventory." in error.message
        assert await closed_as(handle) is WorkflowExecutionStatus.FAILED
        await shop.until_listed_as(handle, SagaStatus.FAILED)


async def test_the_status_shows_every_step_with_its_state_and_times(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(SHIPPING_REFUSES) as shop:
        handle = await shop.place(order, skip_time=True)
        await shop.outcome(handle)
        view = await shop.status(handle)
        assert view.status is SagaStatus.FAILED
        assert [(s.name, s.state) for s in view.steps] == [
            ("reserve_inventory", StepState.COMPENSATED),
            ("process_payment", StepState.COMPENSATED),
            ("prepare_shipping", StepState.FAILED),
            ("award_loyalty_points", StepState.PENDING),
        ]
        for step in view.steps[:3]:
            assert step.started_at is not None
            assert step.ended_at is not None
            assert step.started_at <= step.ended_at
        assert view.steps[2].error is not None
        assert view.steps[3].started_at is None


async def test_the_web_uis_details_show_the_same(open_shop: OpenShop) -> None:
    async with open_shop(SHIPPING_REFUSES) as shop:
        handle = await shop.place(an_order(), skip_time=True)
        await shop.outcome(handle)
        details = await details_of(handle)
        assert details.startswith("**FAILED**")
        assert "✘ `prepare_shipping` failed" in details
        assert "↩ `process_payment` compensated" in details


async def test_while_an_order_waits_for_an_operator_the_details_say_what_to_type(
    open_shop: OpenShop,
) -> None:
    async with open_shop(SHIPPING_REFUSES, REFUND_FAILS_ONCE) as shop:
        waiting = await parked(shop, an_order())
        assert "starter.py inbox" in await details_of(waiting)
        await resolve(waiting, "mark_resolved")
        await shop.rolls_back(waiting)
        assert "starter.py inbox" not in await details_of(waiting)


async def details_of(handle: Handle) -> str:
    """Return what the Web UI shows of a run."""
    query = "__temporal_workflow_metadata"
    metadata: WorkflowMetadata = await handle.query(query, result_type=WorkflowMetadata)
    return metadata.current_details


async def test_an_order_that_succeeded_is_never_run_twice(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        assert isinstance(await shop.outcome_of(order), SagaSucceeded)
        with pytest.raises(WorkflowAlreadyStartedError):
            await shop.place(order, id_reuse_policy=UNLESS_PLACED)


async def test_an_order_that_failed_may_be_placed_again_with_fresh_keys(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    once = permanent("award_loyalty_points", times=1)
    async with open_shop(once) as shop:
        assert isinstance(await shop.outcome_of(order), SagaRolledBack)
        assert shop.standing(order) == []
        await shop.succeeds(await shop.place(order, id_reuse_policy=UNLESS_PLACED))
        assert shop.standing(order) == STEPS


async def test_a_reset_run_keeps_its_keys_and_repeats_no_effect(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        again = await shop.reset(handle)
        await shop.succeeds(again)
        assert again.run_id != handle.first_execution_run_id
        assert shop.standing(order) == STEPS
        assert shop.effects(order) == 4


async def test_eviction_from_the_cache_after_every_task_changes_nothing(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    faults = (lost_reply("award_loyalty_points"), REFUND_FAILS_ONCE)
    async with open_shop(*faults, worker=False) as shop, shop.worker(max_cached_workflows=0):
        handle = await parked(shop, order)
        await resolve(handle, "retry")
        await shop.rolls_back(handle)
        assert shop.standing(order) == []
