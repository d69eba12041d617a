"""Books of the chaos on both kinds of ledgers: if they see nothing, the chaos finds nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from messages.participants import SERVICES, STEPS
from services.mock import open_services
from tests.harness.builders import an_order, requests_for
from tests.harness.participants import operations
from trials.chaos.books import Books
from trials.chaos.failpoints import Failpoints
from trials.chaos.ledgers import Ledgers, PostgresLedgers, SqliteLedgers

#: What is done to the ledger of each service, and what the books then say.
TAMPERED = {
    "inventory": ("DELETE FROM fence", "reserve_inventory: an effect without a fence"),
    "payment": (
        "UPDATE journal SET amount = amount - 1",
        "payment: the account in '' does not add up",
    ),
    "shipping": ("DELETE FROM journal", "prepare_shipping: only a fence"),
    "loyalty": ("UPDATE journal SET currency = 'EUR'", "award_loyalty_points: posted in EUR"),
}
TWICE = """
    INSERT INTO journal (id, key, kind, account, currency, amount, reference, at)
    SELECT 99, key, kind, 'another shipment', currency, amount, 'another answer', at FROM journal
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def ledgers(request: pytest.FixtureRequest, tmp_path: Path) -> Ledgers:
    """Ledgers that do not exist yet."""
    if request.param == "sqlite":
        return SqliteLedgers(tmp_path, Failpoints(tmp_path / "failpoints"))
    return PostgresLedgers(request.getfixturevalue("postgres"))


@pytest.fixture
def order(ledgers: Ledgers) -> None:
    """One order with all of its effects."""
    with closing(open_services(ledgers.urls)) as services:
        requests = requests_for(an_order())
        for service in SERVICES:
            act, _ = operations(services, service)
            act(getattr(requests, service))


def tamper(ledgers: Ledgers, service: str, statement: str) -> None:
    engine = create_engine(ledgers.urls[service])
    with engine.begin() as tx:
        tx.execute(text(statement))
    engine.dispose()


@pytest.mark.usefixtures("order")
def test_the_books_see_what_stands_and_what_was_tampered_with(ledgers: Ledgers) -> None:
    books = Books(ledgers)
    assert [set(STEPS)] == list(books.standing.values())
    assert (books.torn, books.doubled) == ([], [])

    tamper(ledgers, "shipping", TWICE)
    assert [what for _, what in Books(ledgers).doubled] == ["prepare_shipping stands 2 times"]

    for service, (statement, _) in TAMPERED.items():
        tamper(ledgers, service, statement)
    found = {what for _, what in Books(ledgers).torn}
    assert {what for _, what in TAMPERED.values()} <= found
