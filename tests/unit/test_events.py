"""Events are typed and versioned; what their reader does not know neither disturbs nor is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from messages.base import Money
from messages.deliveries import Delivery, DeliveryReport, DeliveryState
from messages.events.base import Event, OrderEvent
from messages.events.payment import PaymentSucceeded
from messages.ids import OperationId
from messages.loyalty import AwardLoyaltyPoints
from tests.harness.builders import IN_YEN, an_order
from tests.harness.events import FACTS, enveloped, told
from workflows.choreography.subscriptions import SUBSCRIPTIONS, UnknownEvent, read, subscription

Change = Callable[[dict[str, Any]], object]

every_type = pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)


def with_new_fields(fields: dict[str, Any]) -> None:
    """Return what a later emitter of the same version may add, at every depth."""
    fields["warehouse"] = {"name": "north"}
    fields["order"]["gift_wrapping"] = True
    fields["order"]["items"][0]["colour"] = "red"


@every_type
def test_an_event_survives_its_journey(kind: type[OrderEvent]) -> None:
    event = told(kind, an_order(), "run_1")
    carried = Event.model_validate_json(enveloped(event).model_dump_json())
    assert read(carried) == event
    assert (carried.type, carried.version) == (kind.__name__, 1)


@every_type
def test_the_reader_passes_over_fields_that_it_does_not_know(kind: type[OrderEvent]) -> None:
    event = told(kind, an_order(), "run_1")
    assert read(enveloped(event, with_new_fields)) == event


def test_whoever_only_carries_an_event_keeps_what_it_does_not_know() -> None:
    event = enveloped(told(PaymentSucceeded, an_order(), "run_1"), with_new_fields)
    delivery = Delivery(event=event, subscriber="shipping")
    report = DeliveryReport(event=event, subscriber="shipping", state=DeliveryState.PARKED)
    for carrier in (delivery, report):
        carried = type(carrier).model_validate_json(carrier.model_dump_json()).event
        kept = carried.model_dump()
        assert kept["warehouse"] == {"name": "north"}
        assert kept["transaction_id"] == "txn_1"
        assert kept["order"]["gift_wrapping"] is True
        assert kept["order"]["items"][0]["colour"] == "red"


@every_type
def test_a_delivery_carries_all_that_its_event_says(kind: type[OrderEvent]) -> None:
    event = told(kind, an_order(), "run_1")
    delivery = Delivery(event=event, subscriber="any")
    assert read(Delivery.model_validate_json(delivery.model_dump_json()).event) == event


UNREADABLE: dict[str, tuple[Change, str]] = {
    "unknown type": (lambda e: e.update(type="PaymentDoubled"), "PaymentDoubled"),
    "newer version": (lambda e: e.update(version=3), "version"),
    "missing fact": (lambda e: e.pop("transaction_id"), "transaction_id"),
    "missing order": (lambda e: e.pop("order"), "order"),
    "missing in the order": (lambda e: e["order"].pop("user_id"), "order.user_id"),
    "a fraction of a yen": (
        lambda e: e["order"].update(currency="JPY", total_amount="200.50"),
        "has more than 0 decimals",
    ),
    "unknown currency": (lambda e: e["order"].update(currency="ZZZ"), "order.currency"),
    "a discount that adds": (
        lambda e: e["order"].update(adjustments=[{"kind": "discount", "amount": "1"}]),
        "order.adjustments.0",
    ),
    "nothing of an item": (lambda e: e["order"]["items"][0].update(quantity=0), "items.0.quantity"),
}


@pytest.mark.parametrize(("change", "said"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_event_that_cannot_be_read_says_why_in_one_line(change: Change, said: str) -> None:
    event = enveloped(told(PaymentSucceeded, an_order(), "run_1"), change)
    with pytest.raises(UnknownEvent) as unread:
        read(event)
    assert said in str(unread.value)
    assert "\n" not in str(unread.value)


@every_type
def test_a_worker_that_knows_no_currencies_parks_an_event_about_an_order_in_one(
    kind: type[OrderEvent],
) -> None:
    """It reads version 1 only, and would drop the currency that it does not know."""
    yen = told(kind, an_order(None, **IN_YEN), "run_1")
    assert (told(kind, an_order(), "run_1").version, yen.version) == (1, 2)
    assert read(enveloped(yen)) == yen
    assert str((yen.order.adjustments or ())[0].amount) == "-100.00"


def test_nobody_is_given_an_event_that_they_do_not_subscribe_to() -> None:
    event = enveloped(told(PaymentSucceeded, an_order(), "run_1"))
    assert subscription(event, "shipping").name == "shipping"
    with pytest.raises(UnknownEvent, match="loyalty does not subscribe to PaymentSucceeded"):
        subscription(event, "loyalty")


@every_type
def test_the_same_fact_has_the_same_id_and_another_attempt_another_one(
    kind: type[OrderEvent],
) -> None:
    order = an_order()
    first, again = told(kind, order, "run_1"), told(kind, order, "run_1")
    assert first.id == again.id
    assert told(kind, order, "run_2").id != first.id
    assert len({told(other, order, "run_1").id for other in FACTS}) == len(SUBSCRIPTIONS)


def test_an_operation_has_the_key_that_an_orchestrated_one_would_have() -> None:
    order = an_order()
    event = told(PaymentSucceeded, order, "run_1")
    key = OperationId(f"saga_{order.order_id}", "run_1", "prepare_shipping")
    assert event.idempotency_key("prepare_shipping") == str(key)


def test_money_stays_exact_on_its_way() -> None:
    order = an_order(items=[{"id": "item_1", "quantity": 3, "price": "0.10"}], total_amount="0.30")
    amount: Money = read(enveloped(told(PaymentSucceeded, order, "run_1"))).order.total_amount
    assert str(amount) == "0.30"
    carried = read(enveloped(told(PaymentSucceeded, order, "run_1"))).order
    assert str(AwardLoyaltyPoints.of(carried, "key").points) == "0.0030"
