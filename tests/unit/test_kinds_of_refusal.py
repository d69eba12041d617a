"""A service's own kinds of refusal: repeated in the same words, and told to Temporal by name."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from sqlalchemy import Connection, update
from temporalio.exceptions import ApplicationError

from activities.failures import translated
from messages.failures import (
    PaymentDeclined,
    Refused,
)
from messages.payment import Payment, ProcessPayment
from services import payment
from services.fence import Fence, fence
from services.ledger import open_ledger
from tests.harness.builders import an_order, requests_for


class CardReportedStolen(PaymentDeclined):
    """A narrower refusal than ours, of a service that somebody else wrote."""


class OverTheLimit(Refused):
    """One that is made of more than its words."""

    def __init__(self, limit: int, asked: int) -> None:
        super().__init__(f"{asked} is over the limit of {limit}")
        self.limit = limit


class Unrepeatable(Refused):
    """One whose words need what only the first call knew."""

    def __init__(self, score: int) -> None:
        self.score = score

    def __str__(self) -> str:
        return f"a fraud score of {self.score}"


REFUSALS = [
    (CardReportedStolen("reported stolen"), CardReportedStolen),
    (OverTheLimit(100, 200), OverTheLimit),
    (Unrepeatable(97), Refused),
    (Refused("no, without a reason"), Refused),
]


@pytest.mark.parametrize(
    ("refusal", "repeated_as"), REFUSALS, ids=[type(r).__name__ for r, _ in REFUSALS]
)
def test_a_services_own_kind_of_refusal_is_repeated_as_it_was_told_first(
    ledgers: dict[str, str], refusal: Refused, repeated_as: type[Refused]
) -> None:
    with closing(open_ledger("payment", ledgers["payment"], payment.TABLES)) as ledger:
        told = [_refusal_by(Fence(ledger), refusal) for _ in range(3)]

    assert [type(error) for error in told] == [type(refusal), repeated_as, repeated_as]
    assert {str(error) for error in told} == {str(refusal)}
    assert {_as_temporal_sees(error) for error in told} == {(type(refusal).__name__, str(refusal))}


def test_a_refusal_of_a_kind_that_is_not_there_any_more_keeps_its_name(
    ledgers: dict[str, str],
) -> None:
    with closing(open_ledger("payment", ledgers["payment"], payment.TABLES)) as ledger:
        _refusal_by(Fence(ledger), Refused("too young"))
        kept = json.dumps({"type": "CustomerTooYoung", "message": "too young"})
        with ledger.transaction() as tx:
            tx.execute(update(fence).values(answer=kept))

        assert _as_temporal_sees(_refusal_by(Fence(ledger), Refused("another"))) == (
            "CustomerTooYoung",
            "too young",
        )


def _refusal_by(fence: Fence, refusal: Refused) -> Refused:
    """Return what a service that refuses so tells, the first or another time."""

    def refuse(_tx: Connection, _request: ProcessPayment, _answer: Payment) -> None:
        raise refusal

    request = requests_for(an_order("order_1")).payment
    with pytest.raises(Refused) as refused:
        fence.act(request, Payment(transaction_id="txn_1"), refuse)
    return refused.value


def _as_temporal_sees(error: Refused) -> tuple[str | None, str]:
    with pytest.raises(ApplicationError) as failure, translated():
        raise error
    return failure.value.type, failure.value.message
