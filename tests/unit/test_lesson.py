"""The two programs of docs/lesson.md lose the money on the schedules that the page marks."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

LESSON = (Path(__file__).parents[2] / "docs" / "lesson.md").read_text()

Handler = Callable[[dict[str, object]], None]
ORDER = {
    "order_id": "order_1",
    "user_id": "ada",
    "items": [{"id": "item_1", "quantity": 1}],
    "total_amount": 50.0,
    "shipping_address": "123 Main St",
}


class Refused(Exception):
    """The service says no, or its reply is lost."""


class Service:
    """Counts each call, and fails as it is told: before it does anything, or after."""

    def __init__(self, *, before: str = "", after: str = "") -> None:
        self.calls: Counter[str] = Counter()
        self.told: list[tuple[object, ...]] = []
        self._before, self._after = before, after

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(*about: object) -> None:
            if name == self._before:
                raise Refused(name)
            self.calls[name] += 1
            self.told.append((name, *about))
            if name == self._after:
                raise Refused(name)

        return call


class ByHand:
    """A bus whose events wait until the test delivers them, to one handler at a time."""

    def __init__(self) -> None:
        self.handlers: dict[str, list[Handler]] = {}
        self.waiting: list[tuple[str, Handler, dict[str, object]]] = []

    def subscribe(self, event: str, handler: Handler) -> None:
        self.handlers.setdefault(event, []).append(handler)

    def publish(self, event: str, order: dict[str, object]) -> None:
        self.waiting += [(event, handler, order) for handler in self.handlers.get(event, [])]

    def deliver(self, event: str | None = None) -> None:
        """Deliver the next event, or the next of that type."""
        index = next(i for i, (name, *_) in enumerate(self.waiting) if event in (None, name))
        _, handler, order = self.waiting.pop(index)
        handler(order)

    def deliver_all(self) -> None:
        while self.waiting:
            self.deliver()


def program(number: int) -> dict[str, Any]:
    """Return the classes of a program, as the page has them."""
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", LESSON, re.DOTALL)[number - 1], names)
    return names


def orchestrator(**services: Service) -> tuple[Any, dict[str, Service]]:
    all_four = {name: Service() for name in ("stock", "bank", "carrier", "points")} | services
    return program(1)["Orchestrator"](**all_four), all_four


def choreography(bus: object, bank: Service, carrier: Service) -> dict[str, Any]:
    names = program(2)
    return {
        "orders": names["Orders"](bus),
        "inventory": names["Inventory"](bus),
        "payment": names["Payment"](bus, bank),
        "shipping": names["Shipping"](bus, carrier),
    }


def test_the_orchestrator_works_as_long_as_nothing_goes_wrong() -> None:
    leader, _ = orchestrator()
    assert leader.place(ORDER) == {"status": "SUCCESS", "completed_steps": 4}


def test_an_order_that_is_sent_again_is_charged_again() -> None:
    leader, services = orchestrator()
    leader.place(ORDER)
    leader.place(ORDER)
    assert services["bank"].calls["charge"] == 2


def test_a_charge_whose_reply_is_lost_is_never_refunded() -> None:
    leader, services = orchestrator(bank=Service(after="charge"))
    assert leader.place(ORDER)["status"] == "FAILED"
    assert services["bank"].calls == {"charge": 1}


def test_a_refund_that_fails_leaves_the_stock_reserved() -> None:
    leader, services = orchestrator(carrier=Service(before="book"), bank=Service(before="refund"))
    with pytest.raises(Refused):
        leader.place(ORDER)
    assert services["stock"].calls == {"take": 1}


def test_an_undo_that_fails_has_the_others_run_twice() -> None:
    leader, services = orchestrator(points=Service(before="add"), stock=Service(before="put_back"))
    with pytest.raises(Refused):
        leader.place(ORDER)
    assert services["bank"].calls["refund"] == 2


def test_a_charge_and_its_refund_carry_nothing_that_connects_them() -> None:
    leader, services = orchestrator(carrier=Service(before="book"))
    leader.place(ORDER)
    assert services["bank"].told == [("charge", "ada", 50.0), ("refund", "ada", 50.0)]


def test_a_shipment_is_cancelled_by_what_it_was_not_booked_by() -> None:
    leader, services = orchestrator(points=Service(before="add"))
    leader.place(ORDER)
    assert services["carrier"].told == [("book", "ada", "123 Main St"), ("cancel", "order_1")]


def test_one_percent_is_not_exact_as_a_float() -> None:
    leader, services = orchestrator()
    leader.place(ORDER | {"total_amount": 1.10})
    assert services["points"].told == [("add", "ada", 0.011000000000000001)]
    assert Decimal("1.10") * Decimal("0.01") == Decimal("0.011")


def test_an_error_in_a_handler_reaches_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    died = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda args: died.set())
    bus = program(2)["Bus"]()
    bus.subscribe("PaymentSucceeded", lambda order: 1 / 0)
    bus.publish("PaymentSucceeded", ORDER)
    assert died.wait(60)


def test_the_event_bus_charges_the_wrong_amount() -> None:
    bus, bank, carrier = ByHand(), Service(), Service()
    choreography(bus, bank, carrier)["orders"].create(ORDER)
    bus.deliver_all()
    assert bank.told == [("charge", "ada", 200.0)]
    assert carrier.calls == {"book": 1}


def test_an_event_that_comes_twice_takes_two_items() -> None:
    bus, bank, carrier = ByHand(), Service(before="charge"), Service()
    services = choreography(bus, bank, carrier)
    bus.publish("OrderCreated", ORDER)
    bus.publish("OrderCreated", ORDER)
    bus.deliver_all()
    assert services["inventory"].on_hand == 9
    assert services["inventory"].reserved == set()


def test_an_order_that_is_cancelled_first_is_charged_afterwards() -> None:
    bus, bank, carrier = ByHand(), Service(), Service()
    services = choreography(bus, bank, carrier)
    services["orders"].create(ORDER)
    bus.deliver("OrderCreated")
    services["orders"].cancel(ORDER)
    while any(event == "OrderCancelled" for event, *_ in bus.waiting):
        bus.deliver("OrderCancelled")
    bus.deliver_all()
    assert services["orders"].status == {"order_1": "cancelled"}
    assert bank.calls == {"charge": 1}


def test_a_lost_reply_is_told_as_a_failed_payment_and_never_refunded() -> None:
    bus, bank, carrier = ByHand(), Service(after="charge"), Service()
    services = choreography(bus, bank, carrier)
    services["orders"].create(ORDER)
    bus.deliver_all()
    assert services["orders"].status == {"order_1": "cancelled"}
    assert bank.calls == {"charge": 1}


def test_a_shipment_that_is_refused_cancels_nothing() -> None:
    bus, bank, carrier = ByHand(), Service(), Service(before="book")
    services = choreography(bus, bank, carrier)
    services["orders"].create(ORDER)
    with pytest.raises(Refused):
        bus.deliver_all()
    assert bus.waiting == []
    assert services["orders"].status == {"order_1": "created"}
    assert bank.calls == {"charge": 1}


def test_every_schedule_that_is_marked_is_played_here() -> None:
    played = [name for name in globals() if name.startswith("test_")]
    # One test plays none, and neither does this one.
    assert LESSON.count("\n▶ ") == len(played) - 2
