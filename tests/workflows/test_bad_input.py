"""Input that went past the starter, straight to Temporal."""

from __future__ import annotations

import json
import uuid

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from tests.builders import seed_order_json
from tests.workflows.conftest import OpenShop

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


@pytest.mark.parametrize(("order", "said"), BAD.values(), ids=BAD.keys())
async def test_a_bad_order_fails_its_run_clearly_and_has_no_effect(
    open_shop: OpenShop, order: object, said: str
) -> None:
    async with open_shop() as shop:
        handle = await shop.env.client.start_workflow(
            "OrderSaga", order, id=f"bad-{uuid.uuid4()}", task_queue=shop.settings.task_queue
        )
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        error = failure.value.cause
        assert isinstance(error, ApplicationError)
        assert error.type == "InvalidInput"
        assert said in error.message
        assert "\n" not in error.message
        assert len(error.message) < 300
        assert (await handle.describe()).status is WorkflowExecutionStatus.FAILED
        assert shop.operations() == 0


async def test_no_order_at_all_fails_its_run_clearly(open_shop: OpenShop) -> None:
    async with open_shop() as shop:
        handle = await shop.env.client.start_workflow(
            "OrderSaga", id=f"bad-{uuid.uuid4()}", task_queue=shop.settings.task_queue
        )
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert "no order given" in str(failure.value.cause)
