"""An order among services that only tell and react: it succeeds, or nothing stands."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from messages.participants import PARTICIPANTS, STEPS
from messages.sagas import SagaRolledBack, SagaStatus, SagaSucceeded, StepState
from tests.harness.builders import an_order
from tests.unit.participants import REFUSED_ORDERS
from tests.workflows.conftest import ChoreographyHandle, OpenShop, Shop
from tests.workflows.deliveries import ACTIONS, BACKWARD, FORWARD, delivery
from workflows.choreography.order_choreography import OrderChoreography

each_service = pytest.mark.parametrize("service", ACTIONS)


async def types_of_events(handle: ChoreographyHandle) -> list[str]:
    return [event.type for event in await handle.query(OrderChoreography.events)]


async def test_an_order_succeeds_and_can_tell_what_caused_what(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.create(order)
        assert await shop.outcome(handle) == SagaSucceeded(saga_id=handle.id, completed_steps=4)
        assert await shop.closed_as(handle) is WorkflowExecutionStatus.COMPLETED
        assert shop.standing(order) == list(STEPS)
        events = await handle.query(OrderChoreography.events)
        assert [event.type for event in events] == [
            "OrderCreated",
            *(participant.done.__name__ for participant in PARTICIPANTS),
        ]
        assert [event.causation_id for event in events] == [None, *(e.id for e in events[:-1])]
        view = await shop.status(handle)
        assert view.status is SagaStatus.SUCCESS
        assert [step.state for step in view.steps] == [StepState.SUCCESS] * 4


@each_service
async def test_a_refusal_at_any_step_undoes_the_order(open_shop: OpenShop, service: str) -> None:
    order = an_order(**REFUSED_ORDERS[service])  # type: ignore[arg-type]
    done = STEPS[: STEPS.index(ACTIONS[service])]
    async with open_shop() as shop:
        handle = await shop.create(order)
        result = await shop.outcome(handle)
        assert isinstance(result, SagaRolledBack)
        assert (result.status, result.failed_step) == ("FAILED", ACTIONS[service])
        assert set(result.compensated_steps) == set(done)
        assert result.resolved_manually == ()
        assert await shop.closed_as(handle) is WorkflowExecutionStatus.FAILED
        assert shop.standing(order) == []
        view = await shop.status(handle)
        assert view.status is SagaStatus.FAILED
        assert [step.state for step in view.steps] == [
            *(StepState.COMPENSATED for _ in done),
            StepState.FAILED,
            *(StepState.PENDING for _ in STEPS[len(done) + 1 :]),
        ]
        assert view.error == result.error
        # The refusal is what the cancellation answers.
        events = await handle.query(OrderChoreography.events)
        by_type = {event.type: event for event in events}
        refusal = next(p.refused.__name__ for p in PARTICIPANTS if p.service == service)
        assert by_type["OrderCancelled"].causation_id == by_type[refusal].id
        await shop.until_listed_as(handle, SagaStatus.FAILED)


async def test_passing_trouble_on_all_sides_is_ridden_out(open_shop: OpenShop) -> None:
    order = an_order()
    trouble = [
        {"operations": [operation], "kind": kind, "count": 1}
        for operation, kind in zip(ACTIONS.values(), ["transient", "lost_reply"] * 2, strict=True)
    ]
    async with open_shop(*trouble) as shop:
        assert isinstance(await shop.outcome(await shop.create(order)), SagaSucceeded)
        assert shop.standing(order) == list(STEPS)
        assert shop.effects(order) == 4


async def test_an_order_that_runs_or_succeeded_is_not_placed_twice(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.create(order)
        with pytest.raises(WorkflowAlreadyStartedError):
            await place_again(shop, handle, order)
        assert isinstance(await shop.outcome(handle), SagaSucceeded)
        with pytest.raises(WorkflowAlreadyStartedError):
            await place_again(shop, handle, order)


async def place_again(shop: Shop, handle: ChoreographyHandle, order: object) -> None:
    await shop.env.client.start_workflow(
        "OrderChoreography",
        order,
        id=handle.id,
        task_queue=shop.settings.task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    )


async def test_an_order_placed_again_after_failing_has_fresh_keys(open_shop: OpenShop) -> None:
    order = an_order()
    refused = {"operations": ["award_loyalty_points"], "kind": "refusal", "count": 1}
    async with open_shop(refused) as shop:
        first = await shop.create(order)
        assert isinstance(await shop.outcome(first), SagaRolledBack)
        second = await shop.create(order)
        assert isinstance(await shop.outcome(second), SagaSucceeded)
        assert first.first_execution_run_id != second.first_execution_run_id
        assert shop.standing(order) == list(STEPS)
        assert shop.effects(order) == 3 + 4
        # What is still told of the first attempt does not concern the second one.
        late = await delivery(shop, first, BACKWARD["payment"]).result()
        assert late.event_id.split("/")[1] == first.first_execution_run_id


async def test_a_reset_order_keeps_its_keys_and_has_no_effect_twice(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.create(order)
        assert isinstance(await shop.outcome(handle), SagaSucceeded)
        again = await shop.reset_to_its_first_task(handle)
        assert isinstance(await again.result(), SagaSucceeded)
        assert shop.effects(order) == 4
        assert shop.standing(order) == list(STEPS)


async def test_each_delivery_shows_what_it_brings_to_whom(open_shop: OpenShop) -> None:
    async with open_shop() as shop:
        handle = await shop.create(an_order())
        await shop.outcome(handle)
        described = await delivery(shop, handle, FORWARD["shipping"]).describe()
        assert await described.static_summary() == "PaymentSucceeded → shipping"
        assert described.parent_id == delivery(shop, handle, FORWARD["payment"]).id
