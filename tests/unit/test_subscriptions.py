"""The table of participants is the only wiring: no service knows of another one."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import get_type_hints

import pytest
from temporalio import activity

import activities
import messages.events
from messages.events.base import OrderEvent, Refusal, Undone
from messages.events.order import OrderCancelled
from messages.participants import PARTICIPANTS, SERVICES, STEP_TOLD_OF, Participant
from messages.settling import Settle
from workflows.choreography.subscriptions import ORDER, SUBSCRIPTIONS
from workflows.orchestration import order_saga

#: What any service's activities may use: it tells nothing of another service.
SHARED = {
    "__future__",
    "typing",
    "temporalio",
    "activities.answer",
    "activities.failures",
    "activities.ports",
    "messages.base",
    "messages.events.base",
    "messages.settling",
}

#: What events have in common, and so no event.
BASES = (OrderEvent, Refusal, Undone)

#: Who hears of what, as the choreography was designed.
DESIGN = {
    "OrderCreated": ("inventory",),
    "InventoryReserved": ("payment", "order"),
    "PaymentSucceeded": ("shipping", "order"),
    "ShipmentPrepared": ("loyalty", "order"),
    "LoyaltyPointsAwarded": ("order",),
    "InventoryReservationFailed": ("order",),
    "PaymentFailed": ("order",),
    "ShipmentFailed": ("order",),
    "LoyaltyPointsRefused": ("order",),
    "OrderCancelled": ("inventory", "payment", "shipping", "loyalty"),
    "InventoryReleased": ("order",),
    "PaymentRefunded": ("order",),
    "ShipmentCancelled": ("order",),
    "LoyaltyPointsDeducted": ("order",),
}


def modules_of(package: ModuleType) -> dict[str, ModuleType]:
    """Return the modules of a package, by their last name."""
    return {
        found.name: importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    }


def imports(module: ModuleType) -> list[tuple[str, str]]:
    """Every name that the module imports, wherever in it, and from where."""
    found: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Import):
            found += [(alias.name, "*") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import hides what it brings in"
            found += [(str(node.module), alias.name) for alias in node.names]
    return found


def taken_by(service: str) -> set[str]:
    """Return the types of event that the table brings to a service."""
    return {
        event
        for event, subscribers in SUBSCRIPTIONS.items()
        if any(subscriber.name == service for subscriber in subscribers)
    }


@pytest.mark.parametrize("service", SERVICES)
def test_the_activities_of_a_service_know_no_other_service(service: str) -> None:
    own = {f"messages.{service}", f"messages.events.{service}"}
    foreign_events = {
        name
        for source, name in imports(modules_of(activities)[service])
        if source not in SHARED | own
        and not (source.startswith("messages.events.") and name in taken_by(service))
    }
    assert foreign_events == set()


def test_what_the_services_share_names_none_of_them() -> None:
    shared = {name for name in modules_of(activities) if name not in SERVICES}
    for name in shared:
        sources = {source for source, _ in imports(modules_of(activities)[name])}
        assert not {s for s in sources for service in SERVICES if service in s}


def test_each_type_of_event_is_in_the_table_and_says_its_own_name() -> None:
    defined = {
        event
        for module in modules_of(messages.events).values()
        for event in vars(module).values()
        if inspect.isclass(event) and issubclass(event, OrderEvent) and event not in BASES
    }
    assert {event.__name__ for event in defined} == set(SUBSCRIPTIONS)
    for event in defined:
        assert event.model_fields["type"].default == event.__name__
        assert isinstance(event.model_fields["version"].default, int)


@pytest.mark.parametrize("participant", PARTICIPANTS, ids=SERVICES)
def test_a_services_activities_are_those_of_the_table_and_take_what_it_says(
    participant: Participant,
) -> None:
    hosted = {
        name: each
        for name, each in vars(modules_of(activities)[participant.service].HOST).items()
        if activity._Definition.from_callable(each) is not None
    }
    forward, backward = participant.reactions
    assert {name: _asked(each) for name, each in hosted.items()} == {
        participant.step: participant.request,
        participant.compensation: participant.request,
        participant.settlement: Settle,
        forward: participant.takes,
        backward: OrderCancelled,
    }


def _asked(each: Callable[..., object]) -> object:
    """Return the type of what an activity takes."""
    return next(iter(get_type_hints(each).values()))


def test_the_saga_has_a_row_for_each_row_of_the_table() -> None:
    rows = [(step.name, step.compensation.__name__) for step in order_saga.STEPS]
    assert rows == [(participant.step, participant.compensation) for participant in PARTICIPANTS]


def test_no_subscriber_hears_of_an_event_twice() -> None:
    for subscribers in SUBSCRIPTIONS.values():
        names = [subscriber.name for subscriber in subscribers]
        assert names, "an event that nobody takes would be a dead letter"
        assert len(names) == len(set(names))


def test_each_event_goes_to_whom_the_choreography_was_designed_for() -> None:
    heard = {
        event: tuple(subscriber.name for subscriber in subscribers)
        for event, subscribers in SUBSCRIPTIONS.items()
    }
    assert heard == DESIGN
    assert {event for event, names in DESIGN.items() if ORDER.name in names} == {
        event.__name__ for event in STEP_TOLD_OF
    }
