"""Ledgers of an older format are upgraded, with all that they hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from messages.failures import OperationReversed, OrderAlreadyPlaced
from messages.runs import RunRef
from services.audit import audit
from services.ledger import LedgerUnavailable
from services.mock import Services, open_services
from services.payment import PaymentService
from tests.harness.audits import RunByHand, continues, next_audit
from tests.harness.builders import IN_YEN, an_order, requests_for
from tests.harness.old_ledgers import FORMATS, old_ledgers
from tests.harness.postgres import PostgresServer
from tests.harness.steps import SERVICES

_RUN = "00000000-0000-4000-8000-00000000000{}"


@pytest.fixture(params=FORMATS)
def old_format(request: pytest.FixtureRequest) -> str:
    """A format, of which there are ledgers with orders undone, kept out, half done, done twice."""
    name: str = request.param
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | PostgresServer:
    """Returns a folder or a server for them."""
    if request.param == "sqlite":
        return tmp_path
    server: PostgresServer = request.getfixturevalue("postgres")
    return server


@pytest.fixture
def old(old_format: str, place: Path | PostgresServer) -> dict[str, str]:
    """The ledgers of all services, by their URLs."""
    return old_ledgers(old_format, place)


@pytest.fixture
def payment(old_format: str, place: Path | PostgresServer) -> Iterator[Services]:
    """The payment service alone, on its ledger, which was upgraded for it."""
    own = old_ledgers(old_format, place, ["payment"])
    with closing(open_services(own, only=["payment"])) as opened:
        yield opened


def test_everything_is_as_it_was(old: dict[str, str]) -> None:
    with closing(open_services(old)):
        pass
    report = audit(old)
    assert (report.succeeded, report.rolled_back) == (3, 2)
    problems = sorted(str(violation) for violation in report.violations)
    assert [p for p in problems if "order_half" in p and " stand, " in p]
    twice = [p for p in problems if "order_twice stands 2 times" in p]
    assert len(twice) == len(SERVICES)
    assert len(problems) == 1 + len(twice)


def test_what_was_decided_stays_decided(payment: Services) -> None:
    stands = requests_for(an_order("order_stands"), _RUN.format(1))
    again = requests_for(an_order("order_stands"), "another run")
    assert payment.get(PaymentService).charge(stands.payment).transaction_id
    with pytest.raises(OrderAlreadyPlaced):
        payment.get(PaymentService).charge(again.payment)
    kept_out = requests_for(an_order("order_kept_out"), _RUN.format(3))
    with pytest.raises(OperationReversed):
        payment.get(PaymentService).charge(kept_out.payment)
    half = requests_for(an_order("order_half"), _RUN.format(4))
    assert payment.get(PaymentService).refund(half.payment).had_effect


def test_what_stood_twice_can_be_undone_one_by_one(payment: Services) -> None:
    for run in (5, 6):
        requests = requests_for(an_order("order_twice"), _RUN.format(run))
        assert payment.get(PaymentService).refund(requests.payment).had_effect


def test_what_it_holds_is_looked_at_and_proves_nothing_about_the_time_before(
    payment: Services,
) -> None:
    records = payment.records("payment")
    half = RunRef("order_saga_order_half", _RUN.format(4))
    assert half in records.unsettled("").runs
    [operation] = records.operations([half.run_id])
    assert records.identity().proves_seconds < operation.age_seconds


def test_it_is_upgraded_once(old_format: str, place: Path | PostgresServer) -> None:
    own = old_ledgers(old_format, place, ["payment"])
    for _ in range(3):
        with closing(open_services(own, only=["payment"])) as services:
            unsettled = services.records("payment").unsettled("").runs
            assert len(unsettled) == (4 if old_format == "format_1" else 3)


def test_what_was_sealed_is_known_to_have_been_sealed_then(
    payment: Services, old_format: str
) -> None:
    records = payment.records("payment")
    [operation] = records.operations([_RUN.format(1)])
    assert operation.sealed == (old_format != "format_1")
    assert records.unseal(operation.quiet_seconds - 3_600) == 0
    assert records.unseal(operation.quiet_seconds) == operation.sealed


def test_its_customers_have_an_account_in_each_currency(old: dict[str, str]) -> None:
    before = audit_of_money(old)
    with closing(open_services(old)) as services:
        RunByHand(services, **IN_YEN).acts()
        RunByHand(services).acts()
    own, yen = Decimal(200), Decimal(500)
    for audited in (next_audit(old), next_audit(old), audit(old)):
        money = next(books for books in audited.services if books.service == "payment")
        assert money.amount_standing == before + own
        assert money.currencies["JPY"].standing == yen
        assert not [each for each in audited.violations if "holds" in each.problem]


def audit_of_money(old: dict[str, str]) -> Decimal:
    with closing(open_services(old)):
        pass
    return next(books for books in audit(old).services if books.unit == "money").amount_standing


def test_what_an_audit_has_proved_stays_proved(old: dict[str, str], old_format: str) -> None:
    with closing(open_services(old)):
        pass
    assert continues(old) == (old_format in ("format_4", "format_5"))
    proved = next_audit(old)
    assert proved == next_audit(old, full=True)


def test_who_only_reads_is_told_what_upgrades_it(old: dict[str, str], old_format: str) -> None:
    said = old_format.replace("_", " ")
    with pytest.raises(LedgerUnavailable, match=rf"{said}.*a worker upgrades it.*upgrade-ledgers"):
        audit(old)
