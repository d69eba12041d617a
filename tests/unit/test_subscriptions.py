"""The table of subscriptions is the only wiring: no service knows of another one."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

import messages.events
from activities import reactions
from messages.events.base import OrderEvent
from services.mock import SERVICES, open_services
from settings import Settings
from worker import ACTIVITIES
from workflows.choreography.participants import PARTICIPANTS, STEP_OF
from workflows.choreography.subscriptions import ORDER, SUBSCRIPTIONS

#: What any service's reactions may use: it tells nothing of another service.
SHARED = {
    "__future__",
    "temporalio",
    "activities.failures",
    "activities.reactions.answer",
    "messages.base",
    "messages.events.base",
    "messages.orders",
}


def modules_of(package: ModuleType) -> dict[str, ModuleType]:
    """The modules of a package, by their last name."""
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
    """The types of event that the table brings to a service."""
    return {
        event
        for event, subscribers in SUBSCRIPTIONS.items()
        if any(subscriber.name == service for subscriber in subscribers)
    }


@pytest.mark.parametrize("service", SERVICES)
def test_the_reactions_of_a_service_know_no_other_service(service: str) -> None:
    own = {f"messages.{service}", f"messages.events.{service}"}
    foreign_events = {
        name
        for source, name in imports(modules_of(reactions)[service])
        if source not in SHARED | own | {"activities.ports"}
        and not (source.startswith("messages.events.") and name in taken_by(service))
    }
    assert foreign_events == set()


def test_each_service_knows_its_own_port_only() -> None:
    ports = [
        name
        for service in SERVICES
        for source, name in imports(modules_of(reactions)[service])
        if source == "activities.ports"
    ]
    assert len(ports) == len(set(ports)) == len(SERVICES)


def test_what_the_services_share_names_none_of_them() -> None:
    shared = {name for name in modules_of(reactions) if name not in SERVICES}
    for name in shared:
        sources = {source for source, _ in imports(modules_of(reactions)[name])}
        assert not {s for s in sources for service in SERVICES if service in s}


def test_each_type_of_event_is_in_the_table_and_says_its_own_name() -> None:
    defined = {
        event
        for module in modules_of(messages.events).values()
        for event in vars(module).values()
        if inspect.isclass(event) and issubclass(event, OrderEvent) and event is not OrderEvent
    }
    assert {event.__name__ for event in defined} == set(SUBSCRIPTIONS)
    for event in defined:
        assert event.model_fields["type"].default == event.__name__
        assert isinstance(event.model_fields["version"].default, int)


def test_whatever_reacts_in_a_worker_is_in_the_table_and_the_other_way_round(
    tmp_path: Path,
) -> None:
    in_the_table = {
        (subscriber.name, subscriber.reaction)
        for subscribers in SUBSCRIPTIONS.values()
        for subscriber in subscribers
        if subscriber.reaction is not None
    }
    with closing(open_services(Settings(data_dir=tmp_path).ledger_urls())) as services:
        hosted = {
            (service, inspect.unwrap(activity).__func__)
            for service, activities in ACTIVITIES.items()
            for activity in activities(services)
            if activity.__module__.startswith(f"{reactions.__name__}.")
        }
    assert hosted == in_the_table


def test_no_subscriber_hears_of_an_event_twice() -> None:
    for subscribers in SUBSCRIPTIONS.values():
        names = [subscriber.name for subscriber in subscribers]
        assert names, "an event that nobody takes would be a dead letter"
        assert len(names) == len(set(names))


def test_the_order_hears_of_everything_that_it_keeps_account_of_and_of_nothing_else() -> None:
    heard = {event for event, subscribers in SUBSCRIPTIONS.items() if ORDER in subscribers}
    assert heard == {event.__name__ for event in STEP_OF}
    assert {participant.service for participant in PARTICIPANTS} == set(SERVICES)
