"""Parts that converters share: reading tolerantly, and exact money."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Annotated, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from messages.base import Money, SignedMoney
from messages.currencies import check_decimals, decimals_of, minor_units
from messages.orders import Adjustment, AdjustmentKind, Order, OrderItem
from messages.validation import explain

SeenT = TypeVar("SeenT", bound="Seen")


class NotConvertible(ValueError):
    """The order cannot be converted without a guess; the message is one line that says why."""


class Seen(BaseModel):
    """Part of another system's order. Only what is needed is read; other fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def _written_out(amount: object) -> object:
    # A number in JSON may have gone through floating point.
    if not isinstance(amount, str):
        raise ValueError("must be an amount as a text, such as '12.50'")  # noqa: TRY004
    return amount


#: Amount as both shops write it: a text.
Amount = Annotated[Money, BeforeValidator(_written_out)]
SignedAmount = Annotated[SignedMoney, BeforeValidator(_written_out)]


class Line(NamedTuple):
    """Number of pieces of an item with the price of all of them together."""

    item: str
    quantity: int
    price: Decimal


def items_of(lines: Iterable[Line], currency: str) -> list[OrderItem]:
    """Return the items of an order, of which the prices are exactly those of the lines.

    If a price cannot be divided by the quantity, some pieces cost one minor unit more than the
    others. Lines of the same item at the same price are added up.

    Raises:
        NotConvertible: a price is not in whole minor units of the currency.
    """
    unit = Decimal(1).scaleb(-decimals_of(currency))
    found: Counter[tuple[str, Decimal]] = Counter()
    for line in lines:
        try:
            check_decimals(line.price, currency, f"price of {line.item}")
        except ValueError as error:
            raise NotConvertible(str(error)) from None
        each, rest = divmod(minor_units(line.price, currency), line.quantity)
        found[line.item, each * unit] += line.quantity - rest
        found[line.item, (each + 1) * unit] += rest
    return [OrderItem(id=item, quantity=n, price=p) for (item, p), n in found.items() if n]


def adjustments_of(
    *, discount: Decimal, shipping: Decimal, tax: Decimal, fee: Decimal
) -> list[Adjustment]:
    """Return the adjustments that change anything; no amount is negative."""
    amounts: dict[AdjustmentKind, Decimal] = {
        "discount": -discount,
        "shipping": shipping,
        "tax": tax,
        "fee": fee,
    }
    return [Adjustment(kind=kind, amount=amount) for kind, amount in amounts.items() if amount]


def lines_of_address(*lines: str | None) -> str:
    """Return an address of those lines that are not empty."""
    return "\n".join(line.strip() for line in lines if line and line.strip())


def read(kind: type[SeenT], text: str | bytes) -> SeenT:
    """Read another system's order.

    Raises:
        NotConvertible: it is not one, or its amounts are not exact.
    """
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise NotConvertible(explain(error)) from None


def placed(**fields: object) -> Order:
    """Return the order with these fields.

    Raises:
        NotConvertible: they are not an order; for example, they do not add up to the total.
    """
    try:
        return Order.model_validate(fields)
    except ValidationError as error:
        raise NotConvertible(explain(error)) from None


def main(convert: Callable[[bytes], Order]) -> int:
    """Convert the order on standard input, or say why that is impossible."""
    try:
        order = convert(sys.stdin.buffer.read())
    except NotConvertible as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(order.model_dump_json(exclude_none=True))
    return 0
