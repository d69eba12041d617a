"""Content of an order: addresses as people write them, exact amounts in any currency."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from iso4217 import Currency
from pydantic import ValidationError

from messages.currencies import DECIMALS
from messages.failures import AddressNotServiceable
from messages.orders import Order
from messages.participants import PARTICIPANTS
from messages.validation import explain
from services.decided import canonical_json
from services.mock import Services
from services.shipping import ShippingService
from tests.harness.builders import IN_YEN, an_order, requests_for, seed_order_json

ADDRESSES = {
    "lines": "12 Main St\nFlat 3\nSpringfield",
    "lines of another system": "12 Main St\r\nFlat 3\r\n",
    "zero-width non-joiner": "خیابان می\u200cدان ۱۲",  # noqa: RUF001
    "zero-width joiner": "12 Main St 👨\u200d👩\u200d👧",
    "soft hyphen": "Donau\u00addampf\u00adschiff\u00adstraße 1",
    "right-to-left mark": "\u200f12 שדרות רוטשילד\u200f, תל אביב",
    "left-to-right mark": "\u200e12 Main St\u200e",
    "isolated directions": "\u2066Flat 3\u2069، شارع التحرير",
    "zero-width space": "12\u200bMain\u200bSt",
    "flag of Wales": "1 Castle St \U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073",
}

BAD_ADDRESSES = {
    "NUL": ("12 Main St\x00", "control character U+0000"),
    "escape": ("12 Main St\x1b[2J", "control character U+001B"),
    "bell": ("\a12 Main St", "control character U+0007"),
    "delete": ("12 Main St\x7f", "control character U+007F"),
    "C1 control": ("12 Main St\x9b2J", "control character U+009B"),
    "reversed text": ("12 \u202etS niaM", "control character U+202E"),
    "nothing": ("", "nothing in it can be seen"),
    "white space": (" \r\n \u00a0\u3000", "nothing in it can be seen"),
    "invisible marks": ("\u200b\u200d\u200f\u00ad\ufeff", "nothing in it can be seen"),
    "fillers": ("\u3164\u2800", "nothing in it can be seen"),
    "an essay": ("x" * 501, "at most 500 characters"),
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_an_address_is_taken_as_it_is_written(address: str) -> None:
    order = an_order(shipping_address=address)

    assert order.shipping_address == address
    assert Order.model_validate_json(order.model_dump_json()) == order


@pytest.mark.parametrize(("address", "said"), BAD_ADDRESSES.values(), ids=BAD_ADDRESSES.keys())
def test_what_is_no_address_is_refused_in_plain_words_on_one_line(address: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        an_order(shipping_address=address)

    told = explain(refused.value)
    assert told.startswith("shipping_address: ")
    assert said in told
    assert told.isprintable()
    assert "pattern" not in told


@pytest.mark.parametrize(
    "amount", ["1_000", " 200 ", "200\n", "2e2", "+200", "٢٠٠", "200.", "", "NaN"]
)
def test_an_amount_in_other_than_plain_digits_is_refused_in_plain_words(amount: str) -> None:
    for changes in (
        {"total_amount": amount},
        {"items": [{"id": "item_1", "quantity": 1, "price": amount}]},
    ):
        with pytest.raises(ValidationError) as refused:
            an_order(**changes)
        assert "must be an amount in plain digits, such as 12.50" in explain(refused.value)


@pytest.mark.parametrize("amount", ['"12.50"', "12.50", "12.5", "1.25e1", '"0012.5"'])
def test_an_amount_is_a_number_or_plain_digits(amount: str) -> None:
    order = json.loads(seed_order_json())
    written = json.dumps({**order, "items": [{"id": "item_1", "quantity": 1}]})

    read = Order.model_validate_json(written.replace("200.0", amount))

    assert read.total_amount == Decimal("12.50")


@pytest.mark.parametrize("address", ["Buoy 1\nPoint\r\nNemo", "Atlan\u00adtis", "Ant\u200carctica"])
def test_an_address_that_is_not_served_is_recognized_however_it_is_broken(
    services: Services, address: str
) -> None:
    with pytest.raises(AddressNotServiceable) as refused:
        services.get(ShippingService).prepare(
            requests_for(an_order(shipping_address=address)).shipping
        )
    assert "\n" not in str(refused.value)


def test_an_order_may_have_all_that_a_shop_knows_of_it() -> None:
    order = an_order(None, **IN_YEN)
    assert Order.model_validate_json(order.model_dump_json()) == order
    assert (order.currency, order.phone) == ("JPY", IN_YEN["phone"])


def test_an_order_without_it_is_written_as_ever() -> None:
    """Byte by byte: the fence compares requests, and open orders have made theirs before."""
    order, key = an_order("order_1"), "order_saga_order_1/run/"
    assert list(order.model_dump()) == [*json.loads(seed_order_json()), "deadline_seconds"]
    assert [canonical_json(p.request.of(order, key + p.step)) for p in PARTICIPANTS] == [
        '{"idempotency_key":"order_saga_order_1/run/reserve_inventory",'
        '"items":[{"id":"item_1","price":"50.00","quantity":2},'
        '{"id":"item_2","price":"100.00","quantity":1}],"order_id":"order_1"}',
        '{"amount":"200.00","idempotency_key":"order_saga_order_1/run/process_payment",'
        '"order_id":"order_1","user_id":"user_789"}',
        '{"address":"123 Main St, City, State",'
        '"idempotency_key":"order_saga_order_1/run/prepare_shipping",'
        '"order_id":"order_1","user_id":"user_789"}',
        '{"idempotency_key":"order_saga_order_1/run/award_loyalty_points",'
        '"order_id":"order_1","points":"2.0000","user_id":"user_789"}',
    ]
    for participant in PARTICIPANTS:
        request = participant.request.of(order, key + participant.step)
        assert "null" not in request.model_dump_json()


@pytest.mark.parametrize(
    ("currency", "given", "written"),
    [
        (None, "0", "0.00"),
        (None, "-0", "0.00"),
        ("JPY", "500.00", "500.00"),
        ("JPY", "500", "500.00"),
        ("KWD", "1.5", "1.50"),
        ("KWD", "1.234", "1.234"),
        ("CLF", "1.2345", "1.2345"),
    ],
)
def test_the_same_amount_is_written_in_the_same_way(
    currency: str | None, given: str, written: str
) -> None:
    order = an_order(
        items=[{"id": "item_1", "quantity": 1, "price": given}],
        total_amount=given,
        currency=currency,
    )
    assert str(order.total_amount) == str(order.items[0].price) == written


_ONE = {"id": "item_1", "quantity": 1, "price": 100}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({**IN_YEN, "total_amount": 501}, "is 501 JPY but the priced items and adjustments add up"),
        ({**IN_YEN, "adjustments": []}, "is 500 JPY but the priced items add up to 550 JPY"),
        ({**IN_YEN, "currency": "yen"}, "currency: must be a currency code of ISO 4217"),
        ({**IN_YEN, "currency": "XAU"}, "currency: must be a currency code of ISO 4217"),
        ({**IN_YEN, "total_amount": 500.5}, "total_amount: 500.50 JPY has more than 0 decimals"),
        ({"total_amount": 200.001}, "total_amount: 200.001 has more than 2 decimals"),
        (
            {"items": [{**_ONE, "price": 66.6667, "quantity": 3}]},
            "items.0.price: 66.6667 has more than 2 decimals",
        ),
        (
            {"adjustments": [{"kind": "discount", "amount": 10}], "total_amount": 210},
            "a discount reduces the total, so it cannot be 10.00",
        ),
        (
            {"adjustments": [{"kind": "tax", "amount": -10}], "total_amount": 190},
            "a tax increases the total, so it cannot be -10.00",
        ),
        (
            {
                "items": [{"id": "item_1", "quantity": 1}],
                "adjustments": [{"kind": "tax", "amount": 1}],
            },
            "adjustments need prices",
        ),
        ({"total_amount": -1, "items": [{"id": "item_1", "quantity": 1}]}, "total_amount: "),
        ({"items": [_ONE, {**_ONE, "price": "100.0"}]}, "listed twice at one price"),
        ({"phone": "\u200b"}, "phone: must not be empty"),
    ],
)
def test_an_order_whose_money_is_not_exact_is_refused_in_one_line(
    changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        an_order(None, **changes)
    assert said in explain(refused.value)


def test_the_table_of_currencies_has_the_list_of_the_standard() -> None:
    """An independent copy of it; the table may have currencies that the list has no more."""
    listed = {each.code: each.exponent for each in Currency if each.exponent is not None}
    assert {code: DECIMALS.get(code) for code in listed} == listed


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_a_shipment_goes_to_the_address_in_all_its_lines(services: Services, address: str) -> None:
    request = requests_for(an_order(shipping_address=address)).shipping

    booked = services.get(ShippingService).prepare(request)

    assert services.get(ShippingService).prepare(request) == booked
    assert services.get(ShippingService).cancel(request).had_effect
