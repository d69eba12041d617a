"""Events in any order and any number of times: the ledgers end the same, all or nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.inventory import InventoryActivities
from activities.loyalty import LoyaltyActivities
from activities.payment import PaymentActivities
from activities.shipping import ShippingActivities
from messages.events.base import Event, OrderEvent, Refusal, Undone
from messages.events.order import OrderCancelled
from messages.orders import Order
from messages.participants import BY_SERVICE, SERVICES, STEPS
from services.audit import SagaFact, audit
from services.inventory import InventoryService
from services.loyalty import LoyaltyService
from services.mock import open_services
from services.payment import PaymentService
from services.shipping import ShippingService
from settings import Settings
from tests.harness import ledgers
from tests.harness.builders import an_order
from tests.harness.events import TRIGGERS, created, enveloped, told
from tests.harness.participants import REFUSED_ORDERS
from workflows.choreography.subscriptions import ORDER, SUBSCRIPTIONS, Subscriber, read


class Market:
    """The four services, each on its own ledger, and what became of the orders."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data_dir=folder)
        self.services = open_services(self.settings.ledger_urls())
        self._react = {
            "inventory": InventoryActivities(self.services.get(InventoryService)),
            "payment": PaymentActivities(self.services.get(PaymentService)),
            "shipping": ShippingActivities(self.services.get(ShippingService)),
            "loyalty": LoyaltyActivities(self.services.get(LoyaltyService)),
        }
        self._facts: dict[str, SagaFact] = {}

    def deliver(self, event: OrderEvent, subscriber: Subscriber) -> list[OrderEvent]:
        """Have a service react, as after a journey through Temporal; its answers likewise."""
        assert subscriber.reaction is not None
        reaction = getattr(self._react[subscriber.name], subscriber.reaction)
        return [read(enveloped(answer)) for answer in reaction(read(enveloped(event)))]

    def assert_ended(self, order: Order, run_id: str, *, cancelled: bool) -> None:
        """All of the order stands, or, when it was cancelled, nothing of it."""
        standing = ledgers.standing_steps(self.settings, order.order_id)
        assert standing == (set() if cancelled else set(STEPS))
        self._facts[run_id] = SagaFact.model_validate(
            {"saga_id": order.order_id, "status": "rolled_back" if cancelled else "succeeded"}
        )

    def assert_books_add_up(self) -> None:
        report = audit(self.settings.ledger_urls(), self._facts)
        assert report.violations == ()
        assert report.sagas > 0


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    """On the disk in memory, where there is one: there a durable commit costs nothing."""
    memory = "/dev/shm"
    with TemporaryDirectory(dir=memory if Path(memory).is_dir() else None) as folder:
        market = Market(Path(folder))
        with closing(market.services):
            yield market
            market.assert_books_add_up()


def an_order_refused_by(service: str | None) -> Order:
    return an_order(**REFUSED_ORDERS[service] if service else {})  # type: ignore[arg-type]


def subscriber(event: str, name: str) -> Subscriber:
    return next(found for found in SUBSCRIPTIONS[event] if found.name == name)


often = settings(max_examples=150, deadline=None)


#: The service that refuses the order, if one does.
refusals = st.none() | st.sampled_from(SERVICES)


@dataclass(frozen=True)
class Arrivals:
    """Arrivals of events at services, one after the other."""

    refused_by: str | None
    cancelled: bool
    sequence: tuple[tuple[type[OrderEvent], str], ...]


@st.composite
def arrivals(draw: st.DrawFn) -> Arrivals:
    """All events of a saga in an order that no clock would give them: effects before causes."""
    refused_by = draw(refusals)
    cancelled = refused_by is not None or draw(st.booleans())
    reached = len(SERVICES)
    if refused_by is not None:
        reached = SERVICES.index(refused_by) + 1
    elif cancelled:
        reached = draw(st.integers(0, len(SERVICES)))
    due = [(TRIGGERS[service], service) for service in SERVICES[:reached]]
    if cancelled:
        due += [(OrderCancelled, service) for service in SERVICES]
    often_each = [draw(st.integers(1, 3)) for _ in due]
    copies = [arrival for arrival, times in zip(due, often_each, strict=True) for _ in range(times)]
    return Arrivals(refused_by, cancelled, tuple(draw(st.permutations(copies))))


@often
@given(arrivals=arrivals())
def test_in_whatever_order_events_arrive_the_ledgers_end_the_same(
    market: Market, arrivals: Arrivals
) -> None:
    order, run_id = an_order_refused_by(arrivals.refused_by), str(uuid4())
    answers: dict[tuple[type[OrderEvent], str], list[list[OrderEvent]]] = {}
    for kind, service in arrivals.sequence:
        event = told(kind, order, run_id)
        answer = market.deliver(event, subscriber(kind.__name__, service))
        answers.setdefault((kind, service), []).append(answer)
    market.assert_ended(order, run_id, cancelled=arrivals.cancelled)
    for (kind, service), given_each_time in answers.items():
        participant = BY_SERVICE[service]
        said = [event for answer in given_each_time for event in answer]
        if kind is OrderCancelled:
            assert len(said) == len(given_each_time), "a service did not say that it has undone"
            assert {type(event) for event in said} == {participant.undone}
        else:
            expected = participant.refused if service == arrivals.refused_by else participant.done
            assert {type(event) for event in said} <= {expected}
        # What is told again is told under the same id, and says the same.
        assert (
            len({event.model_copy(update={"time": None}).model_dump_json() for event in said}) <= 1
        )


@dataclass
class Saga:
    """One order among the services; chance says what arrives next, how often, and what is lost."""

    market: Market
    order: Order
    run_id: str
    chance: random.Random
    published: dict[str, OrderEvent] = field(default_factory=dict)
    #: Each is one copy of an event on its way to one subscriber.
    on_their_way: list[tuple[OrderEvent, Subscriber]] = field(default_factory=list)
    heard: set[type[OrderEvent]] = field(default_factory=set)

    def run(self, cancel_after: int | None) -> None:
        """Until nothing is on its way; the customer cancels after so many deliveries."""
        first = created(self.order, self.run_id)
        self.publish(first)
        for turn in range(1000):
            if turn == cancel_after:
                self.cancel(first)
            if not self.on_their_way:
                if cancel_after is not None:
                    self.cancel(first)
                if not self.on_their_way:
                    return
            self.deliver_one()
        raise AssertionError("the saga never comes to an end")

    def publish(self, event: OrderEvent) -> None:
        """Send it to each of its subscribers, one to three times; once only however often told."""
        if event.id in self.published:
            return
        self.published[event.id] = event
        for subscriber in SUBSCRIPTIONS[event.type]:
            self.on_their_way += [(event, subscriber)] * self.chance.randint(1, 3)

    def cancel(self, cause: OrderEvent) -> None:
        self.publish(OrderCancelled.after(cause, cause.time, reason="the order is off"))

    def deliver_one(self) -> None:
        event, subscriber = self.on_their_way.pop(self.chance.randrange(len(self.on_their_way)))
        if subscriber is ORDER:
            self.heard.add(type(event))
            if isinstance(event, Refusal):
                self.cancel(event)
            return
        answers = self.market.deliver(event, subscriber)
        # A reply may be lost, as long as the event comes once more.
        if (event, subscriber) in self.on_their_way and self.chance.random() < 0.5:
            return
        for answer in answers:
            self.publish(answer)

    @property
    def cancelled(self) -> bool:
        return any(isinstance(event, OrderCancelled) for event in self.published.values())


@often
@given(
    refused_by=refusals,
    cancel_after=st.none() | st.integers(0, 30),
    seed=st.integers(),
)
def test_however_deliveries_are_delayed_repeated_and_lost_the_order_is_done_or_undone(
    market: Market, refused_by: str | None, cancel_after: int | None, seed: int
) -> None:
    saga = Saga(market, an_order_refused_by(refused_by), str(uuid4()), random.Random(seed))
    saga.run(cancel_after)
    assert saga.cancelled is (refused_by is not None or cancel_after is not None)
    market.assert_ended(saga.order, saga.run_id, cancelled=saga.cancelled)
    # And the order could tell: it has heard of every service's part, or of its undoing.
    undone = {kind for kind in saga.heard if issubclass(kind, Undone)}
    done = {participant.done for participant in BY_SERVICE.values()}
    assert len(undone) == len(SERVICES) if saga.cancelled else done == saga.heard


def test_each_event_names_the_one_it_answers_and_the_saga_it_belongs_to(market: Market) -> None:
    saga = Saga(market, an_order(), str(uuid4()), random.Random(1))
    saga.run(cancel_after=None)
    market.assert_ended(saga.order, saga.run_id, cancelled=False)
    chain = list(saga.published.values())
    assert [event.causation_id for event in chain] == [None, *(event.id for event in chain[:-1])]
    assert {event.correlation_id for event in chain} == {f"saga_{saga.order.order_id}"}
    assert len({event.id for event in chain}) == len(chain) == 1 + len(STEPS)
    assert all(isinstance(enveloped(event), Event) and event.time.tzinfo for event in chain)
