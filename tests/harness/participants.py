"""The services, seen without regard to which one it is."""

from __future__ import annotations

from collections.abc import Callable

from messages.base import Command, Message, Reversal
from messages.settling import Settle
from services.audit.books import KEPT
from services.mock import Services
from tests.harness.builders import an_order, requests_for
from tests.harness.ledgers import balances


class Participant:
    """One of the services."""

    def __init__(self, name: str, services: Services, url: str) -> None:
        self.name = name
        self.url = url
        self.act, self.undo = operations(services, name)
        self.settle: Callable[[Settle], Reversal] = services[name].settle

    def request(self, **changes: object) -> Command:
        """Return a request of an order of its own."""
        return request_to(self.name, **changes)

    def unacceptable_request(self) -> Command:
        """Return a request that the service refuses because of its books."""
        return self.request(**REFUSED_ORDERS[self.name])

    def standing(self) -> int:
        """All that the books show as moved, in the ledger's units."""
        moved = (balance.now - balance.opening for balance in balances(self.name, self.url))
        return sum(moved) * KEPT[self.name].sign


#: What about an order makes each service refuse it.
REFUSED_ORDERS: dict[str, dict[str, object]] = {
    "inventory": {"items": [{"id": "item_sold_out", "quantity": 1}]},
    "payment": {"user_id": "user_broke"},
    "shipping": {"shipping_address": "Last Hut, ANTARCTICA"},
    "loyalty": {"user_id": "user_closed"},
}


def request_to(service: str, **changes: object) -> Command:
    """Return a request to a service on behalf of an order."""
    request: Command = getattr(requests_for(an_order(**changes)), service)  # type: ignore[arg-type]
    return request


def operations(
    services: Services, name: str
) -> tuple[Callable[[Command], Message], Callable[[Command], Reversal]]:
    """Return the action and the compensation of a service."""
    act, undo = _OPERATIONS[name]
    return getattr(services[name], act), getattr(services[name], undo)


_OPERATIONS = {
    "inventory": ("reserve", "release"),
    "payment": ("charge", "refund"),
    "shipping": ("prepare", "cancel"),
    "loyalty": ("award", "deduct"),
}
