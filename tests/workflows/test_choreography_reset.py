"""A choreographed order that is reset goes back over everything; the ledgers decide."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import ResetReapplyExcludeType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from messages.events.order import OrderCancelled
from messages.events.payment import PaymentRefunded
from messages.participants import STEPS
from messages.sagas import SagaRolledBack, SagaStatus, SagaSucceeded
from tests.harness.builders import an_order
from tests.harness.events import enveloped, told
from tests.harness.gates import Gates
from tests.workflows.conftest import PATIENCE, ChoreographyHandle, OpenShop, Shop
from tests.workflows.deliveries import (
    ACTIONS,
    BACKWARD,
    FORWARD,
    decide,
    delivery,
    outsider,
    until_listed,
    until_parked,
    until_reacting,
)
from workflows import policies
from workflows.choreography.order_choreography import OrderChoreography

NOTHING: tuple[ResetReapplyExcludeType.ValueType, ...] = ()
EVERYTHING = (
    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL,
    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE,
    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_CANCEL_REQUEST,
)
both_ways = pytest.mark.parametrize(
    "excluded", [NOTHING, EVERYTHING], ids=["signals reapplied", "nothing reapplied"]
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "FOLLOW_UP_AFTER", timedelta(seconds=1))
    monkeypatch.setattr(policies, "FOLLOW_UP_AT_LEAST_EVERY", timedelta(seconds=2))


async def reset(
    shop: Shop, handle: ChoreographyHandle, excluded: tuple[ResetReapplyExcludeType.ValueType, ...]
) -> ChoreographyHandle:
    """``temporal workflow reset --type FirstWorkflowTask``, with ``--reapply-exclude``."""
    done = await shop.env.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=shop.env.client.namespace,
            workflow_execution=WorkflowExecution(
                workflow_id=handle.id, run_id=handle.first_execution_run_id or ""
            ),
            reason="test",
            request_id=str(uuid.uuid4()),
            workflow_task_finish_event_id=4,
            reset_reapply_exclude_types=excluded,
        )
    )
    return shop.env.client.get_workflow_handle_for(
        OrderChoreography.run, handle.id, run_id=done.run_id
    )


async def outcome(again: ChoreographyHandle) -> SagaSucceeded | SagaRolledBack:
    try:
        return await asyncio.wait_for(again.result(), PATIENCE)
    except WorkflowFailureError as failure:
        if not isinstance(failure.cause, ApplicationError):
            raise
        return SagaRolledBack.model_validate(failure.cause.details[0])


def broken(operation: str, times: int = 1) -> dict[str, object]:
    return {"operations": [operation], "kind": "permanent", "count": times}


@both_ways
async def test_a_parked_order_is_parked_again(
    open_shop: OpenShop, excluded: tuple[ResetReapplyExcludeType.ValueType, ...]
) -> None:
    order = an_order(user_id="user_closed", deadline_seconds=5)
    async with open_shop(broken("refund_payment")) as shop:
        handle = await shop.create(order)
        letter = delivery(shop, handle, BACKWARD["payment"])
        await until_parked(letter)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        again = await reset(shop, handle, excluded)
        await shop.until_status(again, SagaStatus.NEEDS_INTERVENTION)
        await until_listed(shop, letter)
        assert shop.standing(order) == ["process_payment"]
        await decide(letter, "replay")
        assert isinstance(await outcome(again), SagaRolledBack)
        assert shop.standing(order) == []


@both_ways
async def test_a_parked_order_whose_letter_is_gone_is_really_undone(
    open_shop: OpenShop, excluded: tuple[ResetReapplyExcludeType.ValueType, ...]
) -> None:
    order = an_order(user_id="user_closed", deadline_seconds=5)
    async with open_shop(broken("refund_payment")) as shop:
        handle = await shop.create(order)
        letter = delivery(shop, handle, BACKWARD["payment"])
        await until_parked(letter)
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await letter.terminate()
        again = await reset(shop, handle, excluded)
        assert isinstance(await outcome(again), SagaRolledBack)
        assert shop.standing(order) == []


@both_ways
async def test_an_order_that_an_operator_settled_stays_settled(
    open_shop: OpenShop, excluded: tuple[ResetReapplyExcludeType.ValueType, ...]
) -> None:
    order = an_order(user_id="user_closed", deadline_seconds=5)
    async with open_shop(broken("refund_payment")) as shop:
        handle = await shop.create(order)
        letter = delivery(shop, handle, BACKWARD["payment"])
        await until_parked(letter)
        await decide(letter, "discard", "letter 4711")
        await shop.outcome(handle)
        again = await reset(shop, handle, excluded)
        result = await outcome(again)
        assert isinstance(result, SagaRolledBack)
        assert result.resolved_manually == ("process_payment",)
        assert "process_payment" not in result.compensated_steps
        assert shop.effects(order) == 3


@both_ways
async def test_an_order_that_succeeded_succeeds_again(
    open_shop: OpenShop, excluded: tuple[ResetReapplyExcludeType.ValueType, ...]
) -> None:
    """Also when it hears nothing of what was done: each service is asked again, and says so."""
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.create(order)
        assert isinstance(await shop.outcome(handle), SagaSucceeded)
        again = await reset(shop, handle, excluded)
        assert isinstance(await outcome(again), SagaSucceeded)
        assert shop.standing(order) == list(STEPS)
        assert shop.effects(order) == 4


async def test_an_order_that_was_called_off_does_not_succeed_on_what_it_hears_again(
    open_shop: OpenShop,
) -> None:
    """Everything stood when it was cancelled, and that is all that the reset tells it."""
    order = an_order()
    slow = {"operations": ["award_loyalty_points"], "kind": "delay", "seconds": 0.5, "rate": 1.0}
    gates = Gates()
    async with open_shop(slow, worker=False) as shop, shop.gated_worker(gates):
        held = [gates.close(f"saga_{order.order_id}", f"{s}_on_order_cancelled") for s in ACTIONS]
        handle = await shop.create(order)
        await until_reacting(delivery(shop, handle, FORWARD["loyalty"]))
        await handle.cancel()
        for gate in held:
            await asyncio.wait_for(gate.reached.wait(), PATIENCE)
        await delivery(shop, handle, FORWARD["loyalty"]).result()
        assert shop.standing(order) == list(STEPS)
        again = await reset(shop, handle, EVERYTHING[2:])
        await shop.until_status(again, SagaStatus.COMPENSATING)
        gates.open_all()
        result = await outcome(again)
        assert isinstance(result, SagaRolledBack)
        assert result.error == "called off before it was reset"
        assert shop.standing(order) == []


async def test_an_order_that_was_undone_does_not_succeed_on_what_it_hears_again(
    open_shop: OpenShop,
) -> None:
    """Temporal has forgotten that it was called off; the ledgers have not."""
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.create(order)
        assert isinstance(await shop.outcome(handle), SagaSucceeded)
        event = enveloped(told(OrderCancelled, order, handle.first_execution_run_id or ""))
        undoing = await outsider(shop, event, "payment", "by-hand")
        await undoing.result()
        result = await outcome(await reset(shop, handle, NOTHING))
        assert isinstance(result, SagaRolledBack)
        assert result.error == "process_payment does not stand any more after a reset"
        assert shop.standing(order) == []


async def test_what_was_said_in_an_earlier_life_does_not_close_it(open_shop: OpenShop) -> None:
    """The order took somebody's word that it was refunded; the service says what is so."""
    order = an_order(user_id="user_closed")
    async with open_shop(broken("refund_payment")) as shop:
        handle = await shop.create(order)
        letter = delivery(shop, handle, BACKWARD["payment"])
        await until_parked(letter)
        forged = enveloped(told(PaymentRefunded, order, handle.first_execution_run_id or ""))
        await handle.signal(OrderChoreography.receive_event, forged)
        assert isinstance(await shop.outcome(handle), SagaRolledBack)
        assert shop.standing(order) == ["process_payment"]
        again = await reset(shop, handle, NOTHING)
        await shop.until_status(again, SagaStatus.NEEDS_INTERVENTION)
        await decide(letter, "replay")
        result = await outcome(again)
        assert isinstance(result, SagaRolledBack)
        assert set(result.compensated_steps) == set(STEPS[:-1])
        assert shop.standing(order) == []
