"""Orders for tests: valid by default, changed by name."""

from __future__ import annotations

import json
from typing import NamedTuple
from uuid import uuid4

from messages.ids import OperationId, order_saga_id
from messages.inventory import ReserveInventory
from messages.loyalty import AwardLoyaltyPoints
from messages.orders import Order
from messages.payment import ProcessPayment
from messages.shipping import PrepareShipping


def seed_order_json(order_id: str = "order_12345") -> str:
    """Return the order of the README, as a customer writes it."""
    return json.dumps(
        {
            "order_id": order_id,
            "user_id": "user_789",
            "items": [
                {"id": "item_1", "quantity": 2, "price": 50.0},
                {"id": "item_2", "quantity": 1, "price": 100.0},
            ],
            "total_amount": 200.0,
            "shipping_address": "123 Main St, City, State",
        }
    )


#: Changes that make an order in another currency, with everything that such an order may have.
IN_YEN: dict[str, object] = {
    "currency": "JPY",
    "items": [
        {"id": "item_1", "quantity": 2, "price": 200},
        {"id": "item_1", "quantity": 1, "price": 150},
    ],
    "adjustments": [
        {"kind": "discount", "amount": -100},
        {"kind": "tax", "amount": 45},
        {"kind": "shipping", "amount": 30},
        {"kind": "gift_card", "amount": -25},
    ],
    "total_amount": 500,
    "phone": "+81 (0)3-1234-5678",
    "shipping_address": "東京都千代田区丸の内1-9-1\n100-0005",
}


def an_id(kind: str = "order") -> str:
    """Return an order id that no other order has; its beginning tells whom a fault plan means."""
    return f"{kind}_{uuid4()}"


def an_order(order_id: str | None = None, **changes: object) -> Order:
    """Return a valid order, with fields replaced as a customer would give them.

    Without an ``order_id`` each call makes another order.

    Raises:
        pydantic.ValidationError: the changes do not make a valid order.
    """
    fields = json.loads(seed_order_json(order_id or f"order_{uuid4().hex[:12]}"))
    return Order.model_validate_json(json.dumps({**fields, **changes}, default=str))


class OrderRequests(NamedTuple):
    """Requests to the services on behalf of one order."""

    inventory: ReserveInventory
    payment: ProcessPayment
    shipping: PrepareShipping
    loyalty: AwardLoyaltyPoints


def requests_for(order: Order, run_id: str = "run_1") -> OrderRequests:
    """Return the requests that the order's saga makes in one of its runs."""

    def header(step: str) -> dict[str, str]:
        key = OperationId(order_saga_id(order.order_id), run_id, step)
        return {"idempotency_key": str(key), "order_id": order.order_id}

    user_id, currency = order.user_id, order.currency
    return OrderRequests(
        ReserveInventory(**header("reserve_inventory"), items=order.items),
        ProcessPayment(
            **header("process_payment"),
            user_id=user_id,
            currency=currency,
            amount=order.total_amount,
            adjustments=order.adjustments,
        ),
        PrepareShipping(
            **header("prepare_shipping"),
            user_id=user_id,
            address=order.shipping_address,
            phone=order.phone,
        ),
        AwardLoyaltyPoints(
            **header("award_loyalty_points"),
            user_id=user_id,
            currency=currency,
            points=order.total_amount / 100,
        ),
    )
