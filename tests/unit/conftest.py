"""The four services on fresh ledgers, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from messages.base import Command, Message, Reversal
from services.audit.books import KEPT, read_book
from services.mock import Services, open_services
from tests.builders import an_order, requests_for
from tests.postgres import PostgresServer, postgres_server

SERVICES = tuple(KEPT)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the whole run."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def ledgers(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """URLs of four ledgers that do not exist yet."""
    if request.param == "sqlite":
        return {name: f"sqlite:///{tmp_path / 'ledgers' / name}.db" for name in SERVICES}
    server: PostgresServer = request.getfixturevalue("postgres")
    return {name: server.empty_database(name) for name in SERVICES}


@pytest.fixture
def services(ledgers: dict[str, str]) -> Iterator[Services]:
    """The services, open on those ledgers."""
    with closing(open_services(ledgers)) as opened:
        yield opened


class Participant:
    """One of the services, seen without regard to which one it is."""

    def __init__(self, name: str, services: Services, url: str) -> None:
        self.name = name
        self.url = url
        self.act, self.undo = operations(services, name)

    def request(self, **changes: object) -> Command:
        """A request of an order of its own."""
        return request_to(self.name, **changes)

    def unacceptable_request(self) -> Command:
        """A request that the service refuses because of its books."""
        return self.request(**REFUSED_ORDERS[self.name])

    def standing(self) -> int:
        """All that the books show as moved, in the ledger's units."""
        book = read_book(self.name, self.url)
        return sum(now - opening for _, opening, now in book.balances) * KEPT[self.name].sign


#: What about an order makes each service refuse it.
REFUSED_ORDERS: dict[str, dict[str, object]] = {
    "inventory": {"items": [{"id": "item_sold_out", "quantity": 1}]},
    "payment": {"user_id": "user_broke"},
    "shipping": {"shipping_address": "Last Hut, ANTARCTICA"},
    "loyalty": {"user_id": "user_closed"},
}


def request_to(service: str, **changes: object) -> Command:
    """A request to a service on behalf of an order."""
    request: Command = getattr(requests_for(an_order(**changes)), service)  # type: ignore[arg-type]
    return request


def operations(
    services: Services, name: str
) -> tuple[Callable[[Command], Message], Callable[[Command], Reversal]]:
    """The action and the compensation of a service."""
    pairs = {
        "inventory": (services.inventory.reserve, services.inventory.release),
        "payment": (services.payment.charge, services.payment.refund),
        "shipping": (services.shipping.prepare, services.shipping.cancel),
        "loyalty": (services.loyalty.award, services.loyalty.deduct),
    }
    return pairs[name]  # type: ignore[return-value]


@pytest.fixture(params=SERVICES)
def participant(
    request: pytest.FixtureRequest, services: Services, ledgers: dict[str, str]
) -> Participant:
    """Each of the services in turn."""
    return Participant(request.param, services, ledgers[request.param])
