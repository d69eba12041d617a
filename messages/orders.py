"""Order: as the customer places it, and as the services see it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Protocol

from pydantic import Field, StrictInt, field_validator, model_validator
from typing_extensions import Self

from messages.addresses import Address
from messages.base import Identifier, Message, Money

#: Number of pieces of an item.
Quantity = Annotated[StrictInt, Field(ge=1, le=1_000_000)]


class OrderItem(Message):
    """Quantity of one item at a unit price."""

    id: Identifier
    quantity: Quantity
    #: Price of one piece. An item without a price is not part of the sum that the total must be.
    price: Money | None = None


class Order(Message):
    """Order of a customer."""

    order_id: Identifier
    user_id: Identifier
    items: Annotated[tuple[OrderItem, ...], Field(min_length=1, max_length=100)]
    total_amount: Annotated[Money, Field(gt=0)]
    shipping_address: Address
    #: Seconds after the placing at which the order is given up and undone; None means the
    #: saga's default.
    deadline_seconds: Annotated[StrictInt, Field(ge=1, le=30 * 24 * 3600)] | None = None

    @field_validator("items")
    @classmethod
    def _each_item_once(cls, items: tuple[OrderItem, ...]) -> tuple[OrderItem, ...]:
        seen: set[str] = set()
        for item in items:
            if item.id in seen:
                raise ValueError(f"item {item.id!r} is listed twice; add up its quantities")
            seen.add(item.id)
        return items

    @model_validator(mode="after")
    def _total_adds_up(self) -> Self:
        priced = [item.price * item.quantity for item in self.items if item.price is not None]
        if priced and sum(priced) != self.total_amount:
            raise ValueError(
                f"total_amount is {self.total_amount} but the priced items add up to {sum(priced)}"
            )
        return self


class ItemFacts(Protocol):
    """Quantity of one item, in an order or in an event."""

    @property
    def id(self) -> str: ...

    @property
    def quantity(self) -> int: ...

    @property
    def price(self) -> Decimal | None: ...


class OrderFacts(Protocol):
    """Order as the services see it: as the customer placed it, or as an event contains it."""

    @property
    def order_id(self) -> str: ...

    @property
    def user_id(self) -> str: ...

    @property
    def items(self) -> Sequence[ItemFacts]: ...

    @property
    def total_amount(self) -> Decimal: ...

    @property
    def shipping_address(self) -> str: ...
