"""Orders of WooCommerce: of its REST API (version 3), and of its webhooks.

All amounts of its lines are without tax, whether the shop shows its prices with tax or without.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, StrictInt

from examples.converters.reading import (
    Amount,
    Line,
    NotConvertible,
    Seen,
    SignedAmount,
    adjustments_of,
    items_of,
    lines_of_address,
    main,
    placed,
    read,
)
from messages.currencies import Currency
from messages.orders import Order

#: States of an order that is not to be placed (any more).
_NOT_NEW = ("cancelled", "refunded", "failed", "trash", "completed")


class _LineItem(Seen):
    product_id: StrictInt
    variation_id: StrictInt = 0
    sku: str | None = None
    quantity: Annotated[StrictInt, Field(ge=1)]
    #: Price of all pieces, before discounts.
    subtotal: Amount


class _Fee(Seen):
    #: Negative if the shop gives a discount in this form.
    total: SignedAmount


class _Address(Seen):
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    address_1: str = ""
    address_2: str = ""
    postcode: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    phone: str = ""


class WooCommerceOrder(Seen):
    """Order as WooCommerce tells it."""

    id: StrictInt
    status: str
    currency: Currency
    customer_id: StrictInt
    line_items: tuple[_LineItem, ...]
    fee_lines: tuple[_Fee, ...] = ()
    discount_total: Amount
    shipping_total: Amount
    total_tax: Amount
    total: Amount
    billing: _Address
    shipping: _Address
    refunds: tuple[object, ...] = ()


def convert(text: str | bytes) -> Order:
    """Convert an order.

    Raises:
        NotConvertible: it is no order of WooCommerce; it is not new; or its amounts do not add
            up, as when an extension has added a gift card that this converter does not know.
    """
    order = read(WooCommerceOrder, text)
    if order.refunds or order.status in _NOT_NEW:
        raise NotConvertible(f"its status is {order.status!r}; only a new order can be placed")
    lines = [
        Line(line.sku or str(line.variation_id or line.product_id), line.quantity, line.subtotal)
        for line in order.line_items
    ]
    fees = [fee.total for fee in order.fee_lines]
    where = order.shipping if order.shipping.address_1 else order.billing
    return placed(
        order_id=f"woocommerce-{order.id}",
        # The customer's number is 0 for guests.
        user_id=f"woocommerce-{order.customer_id}" if order.customer_id else f"guest-of-{order.id}",
        currency=order.currency,
        items=items_of(lines, order.currency),
        adjustments=adjustments_of(
            discount=order.discount_total - sum(fee for fee in fees if fee < 0),
            shipping=order.shipping_total,
            tax=order.total_tax,
            fee=sum((fee for fee in fees if fee > 0), Decimal(0)),
        ),
        total_amount=order.total,
        shipping_address=lines_of_address(
            f"{where.first_name} {where.last_name}",
            *(where.company, where.address_1, where.address_2),
            f"{where.postcode} {where.city}",
            *(where.state, where.country),
        ),
        phone=order.shipping.phone or order.billing.phone or None,
    )


if __name__ == "__main__":
    raise SystemExit(main(convert))
