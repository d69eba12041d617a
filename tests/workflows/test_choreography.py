"""An order among services that only tell and react: it succeeds, or nothing stands."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from cli.modes import Mode
from messages.participants import PARTICIPANTS
from messages.sagas import SagaStatus, SagaSucceeded, StepState
from tests.harness.builders import an_order
from tests.harness.deliveries import BACKWARD, FORWARD, carried, delivery
from tests.harness.faults import lost_reply, refusal, transient
from tests.harness.opening import OpenShop
from tests.harness.participants import REFUSED_ORDERS
from tests.harness.runs import closed_as
from tests.harness.shop import Handle
from tests.harness.steps import ACTIONS, STEPS
from workflows.choreography.order_choreography import OrderChoreography


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


UNLESS_PLACED = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY

each_service = pytest.mark.parametrize("service", ACTIONS)


async def types_of_events(handle: Handle) -> list[str]:
    return [event.type for event in await handle.query(OrderChoreography.events)]


async def test_an_order_succeeds_and_can_tell_what_caused_what(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        assert await shop.outcome(handle) == SagaSucceeded(saga_id=handle.id, completed_steps=4)
        assert await closed_as(handle) is WorkflowExecutionStatus.COMPLETED
        assert shop.standing(order) == STEPS
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
        handle = await shop.place(order)
        result = await shop.rolls_back(handle)
        assert (result.status, result.failed_step) == ("FAILED", ACTIONS[service])
        assert set(result.compensated_steps) == set(done)
        assert result.resolved_manually == ()
        assert await closed_as(handle) is WorkflowExecutionStatus.FAILED
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
        refused = next(p.refused.__name__ for p in PARTICIPANTS if p.service == service)
        assert by_type["OrderCancelled"].causation_id == by_type[refused].id
        await shop.until_listed_as(handle, SagaStatus.FAILED)


async def test_passing_trouble_on_all_sides_is_ridden_out(open_shop: OpenShop) -> None:
    order = an_order()
    trouble = (transient(*STEPS[::2], times=1), lost_reply(*STEPS[1::2], times=1))
    async with open_shop(*trouble) as shop:
        await shop.succeeds(await shop.place(order))
        assert shop.standing(order) == STEPS
        assert shop.effects(order) == 4


async def test_an_order_that_runs_or_succeeded_is_not_placed_twice(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        with pytest.raises(WorkflowAlreadyStartedError):
            await shop.place(order, id_reuse_policy=UNLESS_PLACED)
        await shop.succeeds(handle)
        with pytest.raises(WorkflowAlreadyStartedError):
            await shop.place(order, id_reuse_policy=UNLESS_PLACED)


async def test_an_order_placed_again_after_failing_has_fresh_keys(open_shop: OpenShop) -> None:
    order = an_order()
    refused = refusal("award_loyalty_points", times=1)
    async with open_shop(refused) as shop:
        first = await shop.place(order)
        await shop.rolls_back(first)
        second = await shop.place(order)
        await shop.succeeds(second)
        assert first.first_execution_run_id != second.first_execution_run_id
        assert shop.standing(order) == STEPS
        assert shop.effects(order) == 3 + 4
        # What is still told of the first attempt does not concern the second one.
        late = await delivery(shop, first, BACKWARD["payment"]).result()
        assert late.event_id.split("/")[1] == first.first_execution_run_id


async def test_a_reset_order_keeps_its_keys_and_has_no_effect_twice(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        again = await shop.reset(handle)
        assert isinstance(await again.result(), SagaSucceeded)
        assert shop.effects(order) == 4
        assert shop.standing(order) == STEPS


async def test_each_delivery_shows_what_it_brings_to_whom(open_shop: OpenShop) -> None:
    async with open_shop() as shop:
        handle = await shop.place(an_order())
        await shop.outcome(handle)
        to_shipping = delivery(shop, handle, FORWARD["shipping"])
        assert await (await to_shipping.describe()).static_summary() == (
            "PaymentSucceeded → shipping"
        )
        cause = await carried(delivery(shop, handle, FORWARD["payment"]))
        assert (await carried(to_shipping)).causation_id == cause.id
