"""Order: as the customer places it, and as the services see it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal, Protocol

from pydantic import Field, StrictInt, field_validator, model_validator
from typing_extensions import Self

from messages.addresses import Address, Phone
from messages.base import Added, Identifier, Message, Money, SignedMoney
from messages.currencies import Currency, amount_in_words, check_decimals

MOST_ADJUSTMENTS = 100

#: Number of pieces of an item.
Quantity = Annotated[StrictInt, Field(ge=1, le=1_000_000)]


class OrderItem(Message):
    """Quantity of one item at a unit price."""

    id: Identifier
    quantity: Quantity
    #: Price of one piece. An item without a price is not part of the sum that the total must be.
    price: Money | None = None


#: Kind of an adjustment. The first two reduce the total, the others increase it.
AdjustmentKind = Literal["discount", "gift_card", "tax", "shipping", "fee"]
_REDUCING = ("discount", "gift_card")


class Adjustment(Message):
    """Amount that the total contains beside the prices of the items."""

    kind: AdjustmentKind
    #: Negative if it reduces the total. A gift card does so too: it is no payment of its own.
    amount: SignedMoney

    @model_validator(mode="after")
    def _sign_fits_kind(self) -> Self:
        check_sign(self)
        return self


Adjustments = Annotated[tuple[Adjustment, ...], Field(max_length=MOST_ADJUSTMENTS)]


class Order(Message):
    """Order of a customer."""

    order_id: Identifier
    user_id: Identifier
    items: Annotated[tuple[OrderItem, ...], Field(min_length=1, max_length=100)]
    #: What the customer has to pay; zero for an order that costs nothing.
    total_amount: Money
    shipping_address: Address
    #: Seconds after the placing at which the order is given up and undone; None means the
    #: saga's default.
    deadline_seconds: Annotated[StrictInt, Field(ge=1, le=30 * 24 * 3600)] | None = None
    #: Currency of all amounts; None means the shop's own, which has two decimals.
    currency: Added[Currency] = None
    #: An empty list means the same as None.
    adjustments: Added[Adjustments] = None
    #: For the carrier.
    phone: Added[Phone] = None

    @field_validator("items")
    @classmethod
    def _each_price_once(cls, items: tuple[OrderItem, ...]) -> tuple[OrderItem, ...]:
        seen: set[tuple[str, Decimal | None]] = set()
        for item in items:
            if (item.id, item.price) in seen:
                raise ValueError(
                    f"item {item.id!r} is listed twice at one price; add up its quantities"
                )
            seen.add((item.id, item.price))
        return items

    @field_validator("adjustments")
    @classmethod
    def _one_form_of_none(cls, given: Adjustments | None) -> Adjustments | None:
        return given or None

    @model_validator(mode="after")
    def _total_adds_up(self) -> Self:
        check_amounts(self)
        due = sum_of(self)
        if due is None and self.adjustments:
            raise ValueError("adjustments need prices: without any, nothing says what they change")
        if due is not None and due != self.total_amount:
            parts = "priced items and adjustments" if self.adjustments else "priced items"
            total = amount_in_words(self.total_amount, self.currency)
            correct = amount_in_words(due, self.currency)
            raise ValueError(f"total_amount is {total} but the {parts} add up to {correct}")
        return self


class ItemFacts(Protocol):
    """Quantity of one item, in an order or in an event."""

    @property
    def id(self) -> str: ...

    @property
    def quantity(self) -> int: ...

    @property
    def price(self) -> Decimal | None: ...


class AdjustmentFacts(Protocol):
    """Adjustment, in an order or in an event."""

    @property
    def kind(self) -> str: ...

    @property
    def amount(self) -> Decimal: ...


def check_sign(adjustment: AdjustmentFacts) -> None:
    """Check that an adjustment changes the total in the direction of its kind.

    Raises:
        ValueError: it does not.
    """
    kind, amount = adjustment.kind, adjustment.amount
    if kind in _REDUCING and amount > 0:
        raise ValueError(f"a {kind} reduces the total, so it cannot be {amount}")
    if kind not in _REDUCING and amount < 0:
        raise ValueError(f"a {kind} increases the total, so it cannot be {amount}")


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

    @property
    def currency(self) -> str | None: ...

    @property
    def adjustments(self) -> Sequence[AdjustmentFacts] | None: ...

    @property
    def phone(self) -> str | None: ...


def sum_of(order: OrderFacts) -> Decimal | None:
    """Return what the priced items and the adjustments add up to; None if no item has a price."""
    priced = [item.price * item.quantity for item in order.items if item.price is not None]
    adjusting = (each.amount for each in order.adjustments or ())
    return sum(adjusting, sum(priced, Decimal(0))) if priced else None


def check_amounts(order: OrderFacts) -> None:
    """Check that no amount of an order has more decimals than its currency.

    Raises:
        ValueError: names the amount.
    """
    for number, item in enumerate(order.items):
        if item.price is not None:
            check_decimals(item.price, order.currency, f"items.{number}.price")
    for number, each in enumerate(order.adjustments or ()):
        check_decimals(each.amount, order.currency, f"adjustments.{number}.amount")
    check_decimals(order.total_amount, order.currency, "total_amount")
