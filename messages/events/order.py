"""Events of the order itself."""

from __future__ import annotations

from typing import Literal

from messages.events.base import OrderEvent


class OrderCreated(OrderEvent):
    """Event that says: a customer has placed an order."""

    type: Literal["OrderCreated"] = "OrderCreated"


class OrderCancelled(OrderEvent):
    """Event that says: the order ends. Each service undoes its step, or never takes it."""

    type: Literal["OrderCancelled"] = "OrderCancelled"
    reason: str
