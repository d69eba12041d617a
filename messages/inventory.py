"""Request to the inventory service, and its answer."""

from __future__ import annotations

from typing_extensions import Self

from messages.base import Reply
from messages.orders import OrderFacts, OrderItem
from messages.requests import StepRequest


class ReserveInventory(StepRequest):
    """Request to set stock aside for an order."""

    items: tuple[OrderItem, ...]

    @classmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Return the request for all items of an order."""
        return cls(
            idempotency_key=key,
            order_id=order.order_id,
            items=tuple(
                OrderItem(id=item.id, quantity=item.quantity, price=item.price)
                for item in order.items
            ),
        )


class Reservation(Reply):
    """Confirmation that stock was set aside."""

    reservation_id: str
