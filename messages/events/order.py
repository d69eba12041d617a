"""Events of the order itself."""

from __future__ import annotations

from typing import Literal

from messages.events.base import OrderEvent


class OrderCreated(OrderEvent):
    """A customer has placed an order."""

    type: Literal["OrderCreated"] = "OrderCreated"
    version: Literal[1] = 1


class OrderCancelled(OrderEvent):
    """The order is off; whoever did something for it undoes that, or never begins."""

    type: Literal["OrderCancelled"] = "OrderCancelled"
    version: Literal[1] = 1
    reason: str
