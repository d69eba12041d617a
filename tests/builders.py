"""Orders for tests: valid by default, changed by name."""

from __future__ import annotations

import json
from uuid import uuid4

from messages.orders import Order


def seed_order_json(order_id: str = "order_12345") -> str:
    """The order of the README, as a customer writes it."""
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


def an_order(order_id: str | None = None, **changes: object) -> Order:
    """A valid order, with fields replaced as a customer would give them.

    Without an ``order_id`` each call makes another order.

    Raises:
        pydantic.ValidationError: the changes do not make a valid order.
    """
    fields = json.loads(seed_order_json(order_id or f"order_{uuid4().hex[:12]}"))
    return Order.model_validate_json(json.dumps({**fields, **changes}, default=str))
