"""Order as in textbook samples."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class CartItem:
    """Line of the order."""

    id: str
    quantity: int = 1
    price: float = 0.0


@dataclass
class Cart:
    """Order whose fields all have defaults, so a missing field goes unnoticed."""

    order_id: str
    user_id: str = ""
    items: list[CartItem] = field(default_factory=list)
    total_amount: float = 0.0
    shipping_address: str = ""
    deadline_seconds: int | None = None
