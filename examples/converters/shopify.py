"""Orders of Shopify: of the Admin REST API, and of webhooks such as ``orders/create``.

Amounts are taken in the currency in which the customer pays (the presentment currency).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt

from examples.converters.reading import (
    Amount,
    Line,
    NotConvertible,
    Seen,
    adjustments_of,
    items_of,
    lines_of_address,
    main,
    placed,
    read,
)
from messages.currencies import Currency
from messages.orders import Order


class _Paid(Seen):
    amount: Amount
    currency_code: str


class _Price(Seen):
    """Amount in the shop's currency, which is not read, and in the customer's."""

    presentment_money: _Paid


class _LineItem(Seen):
    sku: str | None = None
    variant_id: StrictInt | None = None
    quantity: Annotated[StrictInt, Field(ge=1)]
    price_set: _Price


class _Address(Seen):
    name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    zip: str | None = None
    city: str | None = None
    province: str | None = None
    country: str | None = None
    phone: str | None = None


class _Customer(Seen):
    id: StrictInt


class ShopifyOrder(Seen):
    """Order as Shopify tells it."""

    id: StrictInt
    presentment_currency: Currency
    taxes_included: StrictBool
    customer: _Customer | None = None
    line_items: tuple[_LineItem, ...]
    total_line_items_price_set: _Price
    total_discounts_set: _Price
    total_shipping_price_set: _Price
    total_tax_set: _Price
    total_price_set: _Price
    current_total_price_set: _Price | None = None
    original_total_duties_set: _Price | None = None
    shipping_address: _Address | None = None
    phone: str | None = None
    payment_gateway_names: tuple[str, ...] = ()
    refunds: tuple[object, ...] = ()
    cancelled_at: str | None = None


def convert(text: str | bytes) -> Order:
    """Convert an order.

    Raises:
        NotConvertible: it is no order of Shopify; it is not as it was placed any more; a part of
            it was paid elsewhere; it is not shipped; or its amounts do not add up.
    """
    order = read(ShopifyOrder, text)
    _check(order)
    currency, address = order.presentment_currency, order.shipping_address
    if address is None:
        raise NotConvertible("shipping_address: missing; only what is shipped can be placed")
    lines = [
        Line(_item(line), line.quantity, _money(line.price_set, order) * line.quantity)
        for line in order.line_items
    ]
    duties = order.original_total_duties_set
    return placed(
        order_id=f"shopify-{order.id}",
        user_id=f"shopify-{order.customer.id}" if order.customer else f"guest-of-{order.id}",
        currency=currency,
        items=items_of(lines, currency),
        adjustments=adjustments_of(
            discount=_money(order.total_discounts_set, order),
            shipping=_money(order.total_shipping_price_set, order),
            # Otherwise it is a part of the prices.
            tax=Decimal(0) if order.taxes_included else _money(order.total_tax_set, order),
            fee=_money(duties, order) if duties else Decimal(0),
        ),
        total_amount=_money(order.total_price_set, order),
        shipping_address=lines_of_address(
            *(address.name, address.company, address.address1, address.address2),
            " ".join(filter(None, (address.zip, address.city))),
            *(address.province, address.country),
        ),
        phone=address.phone or order.phone or None,
    )


def _check(order: ShopifyOrder) -> None:
    if order.cancelled_at or order.refunds:
        raise NotConvertible("it was cancelled or refunded; only a new order can be placed")
    now = order.current_total_price_set
    if now and _money(now, order) != _money(order.total_price_set, order):
        raise NotConvertible("it was edited, and not all of its amounts are those of today")
    if "gift_card" in order.payment_gateway_names:
        # Shopify takes it as a payment, and the order does not say how much it paid.
        raise NotConvertible("a gift card has paid a part of it, and nothing says how much")


def _item(line: _LineItem) -> str:
    if line.sku:
        return line.sku
    if line.variant_id is None:
        raise NotConvertible("line_items: one has neither a sku nor a variant_id")
    return str(line.variant_id)


def _money(price: _Price, order: ShopifyOrder) -> Decimal:
    paid = price.presentment_money
    if paid.currency_code != order.presentment_currency:
        raise NotConvertible(
            f"an amount is in {paid.currency_code}, the order in {order.presentment_currency}"
        )
    return paid.amount


if __name__ == "__main__":
    raise SystemExit(main(convert))
