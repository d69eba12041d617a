"""Random orders of a shop's customers; the same start number makes the same orders."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from messages.base import Identifier, Message
from messages.currencies import decimals_of
from messages.orders import Adjustment, Order, OrderItem

_CUSTOMERS = 40
_ITEMS = 20
_STREETS = ("Main St", "Oak Ave", "Station Rd", "Harbour Ln", "Mill Way", "Church Sq")
#: Half of the orders name no currency, as most simple shops' orders do.
_CURRENCIES = (None, None, None, "EUR", "JPY", "KWD")
_CITIES = ("Springfield", "Riverton", "Lakeside", "Hillview", "Newport")


class Population(Message):
    """Orders ``<prefix>-1`` to ``<prefix>-<count>``."""

    count: Annotated[int, Field(ge=1)]
    #: Start number of the random generator; another one makes other orders.
    seed: int
    prefix: Annotated[Identifier, Field(max_length=100)]
    #: True if the orders compete for an item with little stock, and for little credit.
    scarce: bool = False
    #: Deadline of each order; None means the saga's default.
    deadline_seconds: Annotated[int, Field(ge=1)] | None = None

    def orders(self) -> Iterator[Order]:
        """Generate the orders, one after the other."""
        chance = random.Random(self.seed)
        for number in range(1, self.count + 1):
            make = _scarce_order if self.scarce else _random_order
            order = make(f"{self.prefix}-{number}", chance)
            if not self.scarce:
                # Of its own, so that the draws of the other orders stay the same.
                order = _in_a_currency(order, random.Random(f"{self.seed}/{number}"))
            yield order.model_copy(update={"deadline_seconds": self.deadline_seconds})


def _random_order(order_id: str, chance: random.Random) -> Order:
    items = tuple(
        OrderItem(id=f"item_{item}", quantity=chance.randint(1, 3), price=_price(item))
        for item in sorted(chance.sample(range(1, _ITEMS + 1), chance.randint(1, 4)))
    )
    street, city = chance.choice(_STREETS), chance.choice(_CITIES)
    return Order(
        order_id=order_id,
        user_id=f"user_{chance.randint(1, _CUSTOMERS)}",
        items=items,
        total_amount=sum((_total(item) for item in items), Decimal(0)),
        shipping_address=f"{chance.randint(1, 200)} {street}, {city}",
    )


def _in_a_currency(order: Order, chance: random.Random) -> Order:
    """Return the order as a shop with several currencies has it, or as it is."""
    currency = chance.choice(_CURRENCIES)
    if currency is None:
        return order
    unit = Decimal(1).scaleb(-decimals_of(currency))
    items = [
        OrderItem(id=item.id, quantity=item.quantity, price=(item.price or 0) * 100 * unit)
        for item in order.items
    ]
    prices = sum((_total(item) for item in items), Decimal(0))
    adjustments = [
        Adjustment(kind="discount", amount=-(prices / 10).quantize(unit)),
        Adjustment(kind="shipping", amount=chance.choice((0, 490)) * unit),
    ]
    due = sum((each.amount for each in adjustments), prices)
    if chance.random() < 0.1:  # a gift card pays for all of it
        adjustments.append(Adjustment(kind="gift_card", amount=-due))
        due = Decimal(0)
    return Order(
        order_id=order.order_id,
        user_id=order.user_id,
        items=tuple(items),
        total_amount=due,
        currency=currency,
        adjustments=tuple(adjustments),
        shipping_address=order.shipping_address.replace(", ", "\n"),
        phone=f"+{chance.randint(10**9, 10**11)}",
    )


def _scarce_order(order_id: str, chance: random.Random) -> Order:
    price, quantity = Decimal(20), chance.randint(1, 2)
    items = [OrderItem(id="item_scarce", quantity=quantity, price=price)]
    if chance.random() < 0.5:
        items = [OrderItem(id="item_1", quantity=quantity, price=price)]
    return Order(
        order_id=order_id,
        user_id=chance.choice(("user_limited", "user_1")),
        items=tuple(items),
        total_amount=price * quantity,
        shipping_address="1 Main St, Springfield",
    )


def _price(item: int) -> Decimal:
    """Return the price that every customer sees: 5.99, 12.49 and so on."""
    return Decimal(599 + 650 * (item - 1)) / 100


def _total(item: OrderItem) -> Decimal:
    return (item.price or Decimal(0)) * item.quantity
