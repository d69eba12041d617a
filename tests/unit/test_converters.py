"""Converters of other shops' orders read tolerantly, and are strict about money."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from examples.converters import shopify, woocommerce
from examples.converters.reading import Line, NotConvertible, items_of
from messages.orders import Order
from services.audit import audit
from services.mock import Services
from tests.harness.audits import RunByHand
from tests.harness.children import ROOT, ended

ORDERS = ROOT / "examples" / "converters" / "orders"
CONVERTERS = {"shopify": shopify.convert, "woocommerce": woocommerce.convert}
Change = Callable[[dict[str, Any]], object]

every_shop = pytest.mark.parametrize("shop", CONVERTERS)


def converted(shop: str, change: Change = lambda _: None) -> Order:
    fields = json.loads((ORDERS / f"{shop}.json").read_text())
    change(fields)
    return CONVERTERS[shop](json.dumps(fields))


def adjustments(order: Order) -> dict[str, str]:
    return {each.kind: str(each.amount) for each in order.adjustments or ()}


def items(order: Order) -> list[tuple[str, int, str]]:
    return [(item.id, item.quantity, str(item.price)) for item in order.items]


def yen(amount: int) -> dict[str, dict[str, str]]:
    other = {"amount": "0.01", "currency_code": "USD"}
    return {
        "shop_money": other,
        "presentment_money": {"amount": str(amount), "currency_code": "JPY"},
    }


def test_shopifys_customer_pays_in_the_currency_that_was_shown() -> None:
    order = converted("shopify")
    assert (order.order_id, order.user_id) == ("shopify-450789469", "shopify-207119551")
    assert (order.currency, str(order.total_amount)) == ("JPY", "6885.00")
    # The tax is included in the prices.
    assert adjustments(order) == {"discount": "-715.00", "shipping": "450.00"}
    assert items(order) == [("item_3", 2, "2800.00"), ("item_3", 1, "1550.00")]
    assert order.shipping_address.splitlines()[:3] == ["山田 花子", "丸の内1-9-1", "3階"]
    assert order.phone == "+81 3-1234-5678"


def test_shopifys_tax_is_an_adjustment_if_the_prices_are_without() -> None:
    order = converted(
        "shopify", lambda o: o.update(taxes_included=False, total_price_set=yen(6885 + 626),
                                      current_total_price_set=yen(6885 + 626))
    )  # fmt: skip
    assert adjustments(order)["tax"] == "626.00"
    assert order.total_amount == 7511


def test_woocommerces_prices_are_without_tax_and_divided_without_a_rest() -> None:
    order = converted("woocommerce")
    assert (order.order_id, order.user_id) == ("woocommerce-727", "woocommerce-26")
    assert items(order) == [("item_1", 2, "8.40"), ("item_1", 1, "8.41"), ("item_2", 1, "4.00")]
    assert adjustments(order) == {
        "discount": "-2.52",
        "shipping": "4.12",
        "tax": "6.05",
        "fee": "1.00",
    }
    assert order.total_amount == Decimal("37.86")
    # The address to ship to has no telephone number, so it is that of the bill.
    assert order.phone == "+49 (0)221 / 555-0100"


def test_woocommerces_negative_fee_is_a_discount() -> None:
    def thanks(order: dict[str, Any]) -> None:
        order["fee_lines"].append({"name": "Thanks", "total": "-3.00", "total_tax": "0.00"})
        order["total"] = "34.86"

    assert adjustments(converted("woocommerce", thanks))["discount"] == "-5.52"


@every_shop
def test_the_services_take_what_was_converted(
    services: Services, ledgers: dict[str, str], shop: str
) -> None:
    fields = converted(shop).model_dump(mode="json")
    run = RunByHand(services, **fields).acts()
    assert audit(ledgers, run.ended("succeeded")).clean


@every_shop
def test_fields_that_are_not_needed_do_no_harm(shop: str) -> None:
    def more(order: dict[str, Any]) -> None:
        order["new_in_the_next_version"] = {"deep": [1]}
        order["line_items"][0]["colour"] = "red"

    assert converted(shop, more) == converted(shop)


@every_shop
def test_a_guest_is_a_customer_of_one_order(shop: str) -> None:
    nobody: dict[str, dict[str, object]] = {
        "shopify": {"customer": None},
        "woocommerce": {"customer_id": 0},
    }
    order = converted(shop, lambda o: o.update(nobody[shop]))
    assert order.user_id == f"guest-of-{order.order_id.split('-')[1]}"


REFUSED: dict[str, tuple[str, Change, str]] = {
    "a gift card in part": (
        "shopify",
        lambda o: o["payment_gateway_names"].append("gift_card"),
        "a gift card has paid a part of it",
    ),
    "refunded": ("shopify", lambda o: o.update(refunds=[{"id": 1}]), "cancelled or refunded"),
    "cancelled": ("shopify", lambda o: o.update(cancelled_at="2026-02-02"), "cancelled or"),
    "edited": ("shopify", lambda o: o.update(current_total_price_set=yen(1)), "was edited"),
    "a tip": (
        "shopify",
        lambda o: o.update(total_price_set=yen(7385), current_total_price_set=yen(7385)),
        "total_amount is 7385 JPY but the priced items and adjustments add up to 6885 JPY",
    ),
    "two currencies": (
        "shopify",
        lambda o: o["total_price_set"]["presentment_money"].update(currency_code="KRW"),
        "an amount is in KRW, the order in JPY",
    ),
    "nothing to ship": ("shopify", lambda o: o.update(shipping_address=None), "shipping_address"),
    "a number for an amount": (
        "shopify",
        lambda o: o["total_price_set"]["presentment_money"].update(amount=6885.0),
        "must be an amount as a text",
    ),
    "refund lines": ("woocommerce", lambda o: o.update(refunds=[{"total": "-1.00"}]), "only a new"),
    "failed": ("woocommerce", lambda o: o.update(status="failed"), "its status is 'failed'"),
    "a gift card of an extension": (
        "woocommerce",
        lambda o: o.update(total="27.86"),
        "total_amount is 27.86 EUR but the priced items and adjustments add up to 37.86 EUR",
    ),
    "six decimals": (
        "woocommerce",
        lambda o: o["line_items"][0].update(subtotal="25.2101"),
        "price of item_1: 25.2101 EUR has more than 2 decimals",
    ),
    "unknown currency": ("woocommerce", lambda o: o.update(currency="BTC"), "ISO 4217"),
    "no order": ("woocommerce", lambda o: o.pop("line_items"), "line_items: field required"),
}


@pytest.mark.parametrize(("shop", "change", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_converted_without_a_guess_is_refused_in_one_line(
    shop: str, change: Change, said: str
) -> None:
    with pytest.raises(NotConvertible) as refused:
        converted(shop, change)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_price_is_divided_to_the_smallest_unit() -> None:
    lines = [
        Line("a", 3, Decimal("1.000")),
        Line("b", 7, Decimal(0)),
        Line("a", 1, Decimal("0.333")),
    ]
    found = items_of(lines, "KWD")
    assert sum(item.quantity * (item.price or 0) for item in found) == Decimal("1.333")
    assert [(item.id, item.quantity, str(item.price)) for item in found] == [
        ("a", 3, "0.333"),
        ("a", 1, "0.334"),
        ("b", 7, "0.00"),
    ]


def test_a_converter_is_a_filter_for_the_command_line(tmp_path: Path) -> None:
    document = (ORDERS / "shopify.json").read_text()
    done = ended("-m", "examples.converters.shopify", cwd=ROOT, input=document)
    assert Order.model_validate_json(done.stdout) == converted("shopify")
    failed = ended("-m", "examples.converters.shopify", cwd=ROOT, input="{}")
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: ")
