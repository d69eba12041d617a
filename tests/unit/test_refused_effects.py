"""Refusals whose effect has begun: nothing of it stays, and all attempts are told the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import cycle
from threading import Barrier, Lock

import pytest
from sqlalchemy import Connection

from messages.failures import OutOfStock, PaymentDeclined, Refused
from messages.inventory import ReserveInventory
from messages.payment import Payment, ProcessPayment
from services import payment
from services.audit import audit
from services.fence import Fence
from services.inventory import InventoryService
from services.ledger import Ledger, open_ledger
from services.mock import Services
from services.payment import DEFAULT_CREDIT, PaymentService
from tests.harness.builders import an_order, requests_for

_ATTEMPTS = 6


def test_an_order_of_which_one_item_is_sold_out_takes_nothing_of_the_others(
    services: Services, ledgers: dict[str, str]
) -> None:
    items = [{"id": "item_1", "quantity": 1}, {"id": "item_sold_out", "quantity": 1}]
    request: ReserveInventory = requests_for(an_order(items=items)).inventory
    inventory = services.get(InventoryService)

    with pytest.raises(OutOfStock, match="item_sold_out: 1 wanted, 0 on hand"):
        inventory.reserve(request)
    assert not inventory.release(request).had_effect
    assert audit(ledgers, {}).services[0].amount_standing == 0


def test_a_new_customer_is_not_charged_more_than_everybodys_credit(services: Services) -> None:
    payments = services.get(PaymentService)
    all_of_it = int(DEFAULT_CREDIT)

    with pytest.raises(PaymentDeclined, match=f"{all_of_it}.00 left"):
        payments.charge(_to_pay(all_of_it + 1))
    assert payments.charge(_to_pay(all_of_it)).transaction_id
    with pytest.raises(PaymentDeclined, match=r", 0\.00 left"):
        payments.charge(_to_pay(1))


def _to_pay(amount: int) -> ProcessPayment:
    item = {"id": "item_1", "quantity": 1, "price": amount}
    return requests_for(an_order(items=[item], total_amount=amount)).payment


def test_attempts_at_once_of_which_only_some_would_be_refused_are_all_told_the_same(
    ledgers: dict[str, str],
) -> None:
    with closing(
        open_ledger("payment", ledgers["payment"], payment.TABLES, payment.open_balance)
    ) as ledger:
        outcomes = [_outcomes_of_attempts_at_once(ledger) for _ in range(20)]
    assert {len(outcome) for outcome in outcomes} == {1}


def _outcomes_of_attempts_at_once(ledger: Ledger) -> set[str]:
    request = requests_for(an_order()).payment
    start, turn, refuses = Barrier(_ATTEMPTS), Lock(), cycle((True, False))

    def fickle(tx: Connection, request: ProcessPayment, answer: Payment) -> None:
        payment._charge(tx, request, answer)
        with turn:
            if next(refuses):
                raise PaymentDeclined("not now")

    def attempt(number: int) -> str:
        start.wait(60)
        try:
            given = Fence(ledger).act(request, Payment(transaction_id=f"txn_{number}"), fickle)
        except Refused as refusal:
            return str(refusal)
        return given.transaction_id

    with ThreadPoolExecutor(_ATTEMPTS) as pool:
        return set(pool.map(attempt, range(_ATTEMPTS)))
