"""Errors of an input, told in a line that a person can read, however many they are."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from messages.orders import Order
from messages.validation import explain
from tests.harness.builders import seed_order_json

SEED = json.loads(seed_order_json())
ITEM = {"id": "item_1", "quantity": 2, "price": 50.0}


def explained(order: object) -> str:
    with pytest.raises(ValidationError) as refused:
        Order.model_validate_json(order if isinstance(order, bytes) else json.dumps(order))
    return explain(refused.value)


def test_many_problems_are_counted_and_only_the_first_told() -> None:
    line = explained({f"key_{number}": 0 for number in range(900)})
    assert line.startswith("order_id: field required; ")
    assert line.endswith("; and 895 more")
    assert len(line) < 1000


def test_of_very_many_problems_only_the_number_is_told() -> None:
    line = explained({f"key_{number}": 0 for number in range(50_000)})
    assert line == "50,005 things are wrong with it"


@pytest.mark.parametrize(
    "order",
    [
        {**SEED, "k" * 1_000_000: 0},
        {**SEED, "order_id": "x" * 1_000_000},
        {**SEED, "items": [{**ITEM, "id": f"{n}" + "x" * 1000} for n in range(100)]},
        {**SEED, "\n" * 1_000_000: ["y" * 1_000_000]},
        b"[" * 1_000_000,
        b'"' + b"x" * 1_000_000 + b'"',
    ],
    ids=["a long key", "a long value", "many long values", "line breaks", "no JSON", "a long text"],
)
def test_a_line_stays_short_and_one_line(order: object) -> None:
    line = explained(order)
    assert len(line) < 2200
    assert "\n" not in line


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"items": []}, "items: at least one item is needed"),
        (
            {"items": [{**ITEM, "id": str(n)} for n in range(101)]},
            "items: at most 100 items are allowed",
        ),
        ({"user_id": "a b"}, "user_id: has characters that are not allowed here (got 'a b')"),
    ],
)
def test_a_problem_is_told_in_plain_words(change: dict[str, object], told: str) -> None:
    assert explained({**SEED, **change}) == told
