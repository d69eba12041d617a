"""The order as textbook samples have it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class CartItem:
    """A line of the order."""

    id: str
    quantity: int = 1
    price: float = 0.0


@dataclass
class Cart:
    """A dataclass with defaults: whatever is missing becomes something, and nobody is told."""

    order_id: str
    user_id: str = ""
    items: list[CartItem] = field(default_factory=list)
    total_amount: float = 0.0
    shipping_address: str = ""
    deadline_seconds: int | None = None
