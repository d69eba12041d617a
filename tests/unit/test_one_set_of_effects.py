"""Promise 26: one order has one set of effects, and the database itself sees to it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from messages.base import Command, Message
from messages.failures import OrderAlreadyPlaced
from messages.orders import Order
from services.audit import audit
from services.ledger import Ledger
from services.mock import Services, open_services
from tests.harness.builders import an_order, requests_for
from tests.harness.participants import Participant


def asked(participant: Participant, order: Order) -> Command:
    """Return what the service is asked in another run of the order."""
    request: Command = getattr(requests_for(order, str(uuid4())), participant.name)
    return request


def test_an_order_that_has_the_effect_is_refused_another_one(participant: Participant) -> None:
    order = an_order()
    first, second = asked(participant, order), asked(participant, order)
    participant.act(first)
    stood = participant.standing()

    for _ in range(2):
        with pytest.raises(OrderAlreadyPlaced) as refusal:
            participant.act(second)
        saga_id, run_id, _ = first.idempotency_key.split("/")
        assert order.order_id in str(refusal.value)
        assert f"{saga_id}, run {run_id}" in str(refusal.value)
    assert participant.standing() == stood
    assert not participant.undo(second).had_effect
    assert participant.standing() == stood


def test_an_order_that_was_rolled_back_may_have_it_again(participant: Participant) -> None:
    order = an_order()
    first, second = asked(participant, order), asked(participant, order)
    participant.act(first)
    stood = participant.standing()
    participant.undo(first)
    participant.act(second)
    assert participant.standing() == stood


def test_of_many_runs_at_once_one_has_the_effect(
    ledgers: dict[str, str], participant: Participant
) -> None:
    order = an_order()
    refused: list[OrderAlreadyPlaced] = []
    answered: list[Message] = []
    ready = threading.Barrier(6)

    def act() -> None:
        with closing(open_services(ledgers)) as own:
            request = asked(participant, order)
            ready.wait()
            try:
                answered.append(Participant(participant.name, own, participant.url).act(request))
            except OrderAlreadyPlaced as refusal:
                refused.append(refusal)

    threads = [threading.Thread(target=act) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(answered), len(refused)) == (1, 5)


def test_not_even_a_mistake_in_the_code_lets_an_effect_stand_twice(
    services: Services, participant: Participant
) -> None:
    order = an_order()
    participant.act(asked(participant, order))
    ledger: Ledger = services.records(participant.name)._ledger
    again = (
        "INSERT INTO fence (key, saga_id, run_id, step, order_id, state, request, created_at,"
        " updated_at) SELECT 'another', saga_id, 'another', step, order_id, state, request,"
        " created_at, updated_at FROM fence"
    )
    with pytest.raises(IntegrityError), ledger.transaction() as tx:
        tx.execute(text(again))


@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
def test_the_audit_names_what_stands_twice(
    services: Services, ledgers: dict[str, str], participant: Participant
) -> None:
    order = an_order()
    participant.act(asked(participant, order))
    with sqlite3.connect(ledgers[participant.name].removeprefix("sqlite:///")) as connection:
        connection.execute("DROP INDEX fence_standing")
    participant.act(asked(participant, order))
    problems = [str(violation) for violation in audit(ledgers).violations]
    assert any(f"order {order.order_id} stands 2 times" in problem for problem in problems)
