"""Events and reports that can be read, and yet are as bad as anybody can make them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import RequestCancelWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from cli.modes import Mode
from messages.deliveries import DeliveryState
from messages.events.order import OrderCreated
from messages.events.payment import PaymentFailed
from messages.ids import delivery_id
from messages.orders import Order
from messages.sagas import StepState
from tests.harness.builders import an_order
from tests.harness.events import told
from tests.harness.opening import OpenShop
from tests.harness.progress import assert_no_task_failed
from tests.harness.runs import Run, describe, first_run, is_parked
from tests.harness.shop import Handle
from tests.harness.waiting import PATIENCE, until

#: Temporal takes 2 MB. What travels has no blanks, so it is a little less than that.
_MOST = 2 * 1024 * 1024

Json = dict[str, object]
Change = Callable[[Json], object]


def _deep(levels: int) -> object:
    nested: object = 1
    for _ in range(levels):
        nested = {"a": nested}
    return nested


def _filling(event: Json) -> str:
    return "y" * (_MOST - len(json.dumps({**event, "type": "X", "x": ""})))


#: By what is odd about it, how an event that the order awaits is changed.
ODD: Mapping[str, Change] = {
    "of another order": lambda e: e.update(correlation_id="x" * 400),
    "an id in wide characters": lambda e: e.update(id="\U0001f4a3" * 400),
    "an id with a null in it": lambda e: e.update(id="a\x00b"),
    "a type in wide characters": lambda e: e.update(type="\U0001f4a3" * 100),
    "an unknown type as wide as it may be": lambda e: e.update(type="\U0001f4a3" * 50),
    "an unknown type as long as it may be": lambda e: e.update(type="x" * 100),
    "an unknown type and almost too much in it": lambda e: e.update(type="X", x="y" * 245_000),
    "as much in it as Temporal takes": lambda e: e.update(type="X", x=_filling(e)),
    "an unknown type, nested as deeply as it may be": lambda e: e.update(type="X", x=_deep(178)),
    "nested more deeply": lambda e: e.update(type="X", x=_deep(199)),
    "numbers that are none": lambda e: e.update(type="X", x=[float("nan"), float("inf")]),
    "names of our own methods": lambda e: e.update(
        type="X", model_dump_json=1, model_config=1, __class__=1, model_extra={"a": 1}
    ),
    "an unknown version": lambda e: e.update(version=10**300),
}
#: Likewise, of an event that turns the order back.
TURNING_BACK: Mapping[str, Change] = {
    "an id as long as it may be": lambda e: e.update(id="x" * 400),
    "a long reason": lambda e: e.update(error="x" * 200_000),
    "a reason as long as it may be": lambda e: e.update(error="x" * 248_500),
    "another order": lambda e: e.update(
        order=an_order("another", shipping_address="y" * 500).model_dump(mode="json"),
    ),
    "a large order": lambda e: e.update(
        id="x", error="", order=_with(e["order"], shipping_address="y" * 248_900)
    ),
}


def _with(order: object, **changes: object) -> Json:
    assert isinstance(order, dict)
    return {**order, **changes}


async def _waits(placed: Handle) -> bool:
    described = (await placed.describe()).raw_description
    started = described.workflow_execution_info.history_length > 3
    return started and not described.HasField("pending_workflow_task")


async def _is_parked_or_absent(letter: Run) -> bool:
    found = await describe(letter)
    assert found is None or found.status is WorkflowExecutionStatus.RUNNING
    return found is None or is_parked(found)


def _event(order: Order, placed: Handle, change: Change) -> Json:
    event = told(PaymentFailed, order, first_run(placed)).model_dump(mode="json")
    change(event)
    return event


@pytest.mark.parametrize("change", ODD.values(), ids=ODD.keys())
async def test_an_odd_event_does_not_keep_its_order_from_succeeding(
    open_shop: OpenShop, change: Change
) -> None:
    async with open_shop(worker=False) as shop, shop.deciding_worker():
        order = an_order()
        placed = await shop.place(order, Mode.CHOREOGRAPHY)
        # While a task is under way, the server gives it up for an event as large as that.
        await until(lambda: _waits(placed))
        event = _event(order, placed, change)
        await placed.signal("receive_event", event)
        await assert_no_task_failed(placed, "after the event")
        async with shop.acting_worker():
            await shop.succeeds(placed)
        assert len(shop.standing(order)) == 4
        await assert_no_task_failed(placed, "in the end")
        # What was passed on to a delivery can be read there.
        letter = shop.client.get_workflow_handle(delivery_id(str(event["id"]), "order"))
        await until(lambda: _is_parked_or_absent(letter))


@pytest.mark.parametrize("change", TURNING_BACK.values(), ids=TURNING_BACK.keys())
async def test_an_order_that_an_odd_event_turns_back_is_undone(
    open_shop: OpenShop, change: Change
) -> None:
    async with open_shop(worker=False) as shop, shop.deciding_worker():
        order = an_order()
        placed = await shop.place(order, Mode.CHOREOGRAPHY)
        await placed.signal("receive_event", _event(order, placed, change))
        async with shop.acting_worker():
            result = await shop.rolls_back(placed)
        assert len(result.error) <= 2001
        assert shop.standing(order) == []
        await assert_no_task_failed(placed, "in the end")


async def test_a_report_with_an_endless_reason_does_not_keep_its_order_from_succeeding(
    open_shop: OpenShop,
) -> None:
    async with open_shop(worker=False) as shop, shop.deciding_worker():
        order = an_order()
        placed = await shop.place(order, Mode.CHOREOGRAPHY)
        run_id = first_run(placed)
        report = {
            "event": told(OrderCreated, order, run_id).model_dump(mode="json"),
            "subscriber": "inventory",
            "state": DeliveryState.PARKED.value,
            "error": "x" * 1_800_000,
        }
        await placed.signal("delivery_report", report)
        await shop.until_step(placed, "reserve_inventory", StepState.NEEDS_INTERVENTION)
        assert len((await shop.status(placed)).model_dump_json()) < 10_000
        async with shop.acting_worker():
            await shop.succeeds(placed)
        await assert_no_task_failed(placed, "in the end")


@pytest.mark.parametrize("id_", ["x" * 300, "x" * 380, "x" * 900, "\U0001f4a3" * 240])
async def test_an_order_under_an_id_that_makes_no_names_of_events_fails_at_once(
    open_shop: OpenShop, id_: str
) -> None:
    async with open_shop() as shop:
        order = an_order()
        workflow_id = f"{id_}{uuid.uuid4()}"
        run = await shop.begin("OrderChoreography", order, workflow_id=workflow_id)
        if len(id_) == 300:
            assert await asyncio.wait_for(run.result(), PATIENCE)
            return
        with pytest.raises(WorkflowFailureError) as failed:
            await asyncio.wait_for(run.result(), PATIENCE)
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.type == "InvalidInput"
        assert shop.operations() == 0


async def test_a_delivery_to_an_endless_name_fails_at_once(open_shop: OpenShop) -> None:
    async with open_shop() as shop:
        order = an_order()
        event = told(PaymentFailed, order, "run_1").model_dump(mode="json")
        too_long = {"event": event, "subscriber": "x" * 1_000_000}
        run = await shop.begin("EventDelivery", too_long, workflow_id=f"bad-{uuid.uuid4()}")
        with pytest.raises(WorkflowFailureError) as failed:
            await asyncio.wait_for(run.result(), PATIENCE)
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.type == "InvalidInput"


@pytest.mark.parametrize("kind", ["OrderSaga", "OrderChoreography"])
async def test_an_endless_reason_for_a_cancel_is_cut(open_shop: OpenShop, kind: str) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop, shop.deciding_worker():
        placed: Handle = (
            await shop.place(order, Mode.CHOREOGRAPHY)
            if kind == "OrderChoreography"
            else await shop.place(order, skip_time=True)
        )
        await shop.client.workflow_service.request_cancel_workflow_execution(
            RequestCancelWorkflowExecutionRequest(
                namespace=shop.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=placed.id),
                reason="x" * 1_500_000,
            )
        )
        async with shop.acting_worker():
            result = await shop.rolls_back(placed)
        assert result.status == "CANCELLED"
        assert len(result.error) <= 2001
        assert shop.standing(order) == []
        await assert_no_task_failed(placed, "in the end")
