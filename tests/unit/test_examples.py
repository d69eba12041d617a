"""The example orders end as their names say, because of the services' own state."""

from __future__ import annotations

from pathlib import Path

import pytest

from messages.failures import Refused
from messages.orders import Order
from services.faults import load_fault_plan
from services.mock import Services
from tests.harness.builders import requests_for
from tests.harness.participants import operations
from tests.harness.steps import SERVICES

EXAMPLES = Path(__file__).parents[2] / "examples"

GOOD = ("order", "order_large", "order_euro")
REFUSED_BY = {
    "out_of_stock": ("inventory", "OutOfStock"),
    "payment_declined": ("payment", "PaymentDeclined"),
    "address_not_serviceable": ("shipping", "AddressNotServiceable"),
    "loyalty_refused": ("loyalty", "LoyaltyAccountClosed"),
}


def place(services: Services, order: Order) -> None:
    requests = requests_for(order)
    for service in SERVICES:
        act, _ = operations(services, service)
        act(getattr(requests, service))


@pytest.mark.parametrize("name", GOOD)
def test_a_good_example_is_taken_by_all_four_services(services: Services, name: str) -> None:
    place(services, Order.model_validate_json((EXAMPLES / f"{name}.json").read_text()))


@pytest.mark.parametrize("name", REFUSED_BY)
def test_a_bad_example_is_refused_by_the_service_it_names(services: Services, name: str) -> None:
    service, refusal = REFUSED_BY[name]
    order = Order.model_validate_json((EXAMPLES / f"{name}.json").read_text())
    requests = requests_for(order)
    for earlier in SERVICES[: SERVICES.index(service)]:
        operations(services, earlier)[0](getattr(requests, earlier))
    with pytest.raises(Refused) as refused:
        operations(services, service)[0](getattr(requests, service))
    assert type(refused.value).__name__ == refusal


def test_every_example_order_is_covered_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == {*REFUSED_BY, *GOOD}


@pytest.mark.parametrize("plan", sorted((EXAMPLES / "faults").glob("*.toml")), ids=lambda p: p.stem)
def test_every_example_fault_plan_can_be_loaded(plan: Path) -> None:
    assert load_fault_plan(plan).fault
