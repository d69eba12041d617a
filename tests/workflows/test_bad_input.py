"""Input that went past the starter, straight to Temporal."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from tests.harness.builders import seed_order_json
from tests.harness.opening import OpenShop
from tests.harness.shop import Shop
from tests.harness.waiting import PATIENCE

SEED = json.loads(seed_order_json("order_bad"))
ITEM = {"id": "item_1", "quantity": 2, "price": 50.0}

BAD = {
    "unknown field": ({**SEED, "coupon": "FREE"}, "coupon"),
    "negative quantity": ({**SEED, "items": [{**ITEM, "quantity": -2}]}, "items.0.quantity"),
    "zero quantity": ({**SEED, "items": [{**ITEM, "quantity": 0}]}, "items.0.quantity"),
    "fractional quantity": ({**SEED, "items": [{**ITEM, "quantity": 1.5}]}, "items.0.quantity"),
    "total does not add up": ({**SEED, "total_amount": 199.99}, "add up to 200.00"),
    "duplicate item": ({**SEED, "items": [ITEM, ITEM]}, "listed twice"),
    "long order id": ({**SEED, "order_id": "x" * 100_000}, "order_id"),
    "long address": ({**SEED, "shipping_address": "x" * 100_000}, "shipping_address"),
    "no items": ({**SEED, "items": []}, "items"),
    "not a number": ({**SEED, "total_amount": float("nan")}, "total_amount"),
    "infinite": ({**SEED, "items": [{**ITEM, "price": float("inf")}]}, "items.0.price"),
    "a fraction of a cent": ({**SEED, "total_amount": 200.001}, "total_amount"),
    "missing field": ({k: v for k, v in SEED.items() if k != "user_id"}, "user_id"),
    "no object": ([1, 2, 3], "object"),
    "null": (None, "no order given"),
}


@pytest.mark.parametrize("kind", ["OrderSaga", "OrderChoreography"])
@pytest.mark.parametrize(("order", "said"), BAD.values(), ids=BAD.keys())
async def test_a_bad_order_fails_its_run_clearly_and_has_no_effect(
    open_shop: OpenShop, kind: str, order: object, said: str
) -> None:
    async with open_shop() as shop:
        await assert_fails_clearly(shop, kind, order, said)


async def assert_fails_clearly(shop: Shop, kind: str, given: object, said: str) -> None:
    handle = await shop.client.start_workflow(
        kind, given, id=f"bad-{uuid.uuid4()}", task_queue=shop.settings.task_queue
    )
    with pytest.raises(WorkflowFailureError) as failure:
        await asyncio.wait_for(handle.result(), PATIENCE)
    error = failure.value.cause
    assert isinstance(error, ApplicationError)
    assert error.type == "InvalidInput"
    assert said in error.message
    assert "\n" not in error.message
    assert len(error.message) < 300
    assert (await handle.describe()).status is WorkflowExecutionStatus.FAILED
    assert shop.operations() == 0


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("OrderSaga", "no order given"),
        ("OrderChoreography", "no order given"),
        ("EventDelivery", "no delivery given"),
    ],
)
async def test_no_input_at_all_fails_its_run_clearly(
    open_shop: OpenShop, kind: str, said: str
) -> None:
    async with open_shop() as shop:
        handle = await shop.client.start_workflow(
            kind, id=f"bad-{uuid.uuid4()}", task_queue=shop.settings.task_queue
        )
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert said in str(failure.value.cause)


EVENT = {
    "id": "saga_1/run_1/InventoryReserved",
    "type": "InventoryReserved",
    "correlation_id": "saga_1",
    "saga_run_id": "run_1",
    "time": "2030-01-01T12:00:00Z",
}

BAD_DELIVERIES = {
    "no delivery": (None, "no delivery given"),
    "no object": ("x", "object"),
    "no subscriber": ({"event": EVENT}, "subscriber"),
    "no event": ({"subscriber": "payment"}, "event"),
    "an event of nothing": (
        {"event": {**EVENT, "correlation_id": ""}, "subscriber": "payment"},
        "correlation_id",
    ),
    "an event without a type": ({"event": {**EVENT, "type": ""}, "subscriber": "payment"}, "type"),
    "a long type": ({"event": {**EVENT, "type": "x" * 5000}, "subscriber": "payment"}, "type"),
    "a long id": ({"event": {**EVENT, "id": "x" * 5000}, "subscriber": "payment"}, "id"),
    "a long order": (
        {"event": {**EVENT, "correlation_id": "x" * 5000}, "subscriber": "payment"},
        "correlation_id",
    ),
    "no time": ({"event": {**EVENT, "time": "noon"}, "subscriber": "payment"}, "time"),
    "unknown field": ({"event": EVENT, "subscriber": "payment", "to": "all"}, "to"),
}


@pytest.mark.parametrize(("delivery", "said"), BAD_DELIVERIES.values(), ids=BAD_DELIVERIES.keys())
async def test_a_bad_delivery_fails_its_run_clearly_and_has_no_effect(
    open_shop: OpenShop, delivery: object, said: str
) -> None:
    async with open_shop() as shop:
        await assert_fails_clearly(shop, "EventDelivery", delivery, said)
