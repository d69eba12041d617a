"""Money and points are kept by customer and currency, exactly, down to amounts of zero."""

from __future__ import annotations

from decimal import Decimal

import pytest

from messages.failures import IdempotencyConflict, LoyaltyAccountClosed, PaymentDeclined
from services.audit import audit
from services.inventory import InventoryService
from services.mock import Services
from services.payment import PaymentService
from tests.harness.audits import RunByHand, next_audit, tamper
from tests.harness.builders import IN_YEN, an_order, requests_for
from tests.harness.ledgers import balances

Ledgers = dict[str, str]
_DINARS: dict[str, object] = {
    "currency": "KWD",
    "items": [{"id": "item_1", "quantity": 3, "price": "1.234"}],
    "total_amount": "3.702",
}
_FREE: dict[str, object] = {
    "currency": "EUR",
    "items": [{"id": "item_1", "quantity": 1, "price": 25}],
    "adjustments": [{"kind": "gift_card", "amount": -25}],
    "total_amount": 0,
}


def moved(ledgers: Ledgers, service: str) -> dict[tuple[str, str], int]:
    """Return the changes of the accounts, by customer and currency, in the ledger's units."""
    found = balances(service, ledgers[service])
    return {(of.account, of.currency): of.now - of.opening for of in found if of.now != of.opening}


def test_each_currency_has_accounts_of_its_own(services: Services, ledgers: Ledgers) -> None:
    for order in ({}, IN_YEN, _DINARS):
        RunByHand(services, **order).acts()
    user = "user_789"
    assert moved(ledgers, "payment") == {
        (user, ""): -200_00,
        (user, "JPY"): -500,
        (user, "KWD"): -3702,
    }
    # 1 % of 500 yen are 5 points, of which the ledger has hundredths.
    assert moved(ledgers, "loyalty") == {
        (user, ""): 2_0000,
        (user, "JPY"): 500,
        (user, "KWD"): 3702,
    }
    report = audit(ledgers)
    assert report.clean
    assert report == next_audit(ledgers) == next_audit(ledgers)
    by_service = {books.service: books for books in report.services}
    assert str(by_service["payment"].currencies["KWD"].standing) == "3.702"
    assert str(by_service["payment"].currencies["JPY"].standing) == "500"
    assert by_service["loyalty"].currencies["KWD"].standing == Decimal("0.03702")


@pytest.mark.parametrize("order", [IN_YEN, _DINARS, _FREE])
def test_what_is_undone_leaves_nothing_in_any_currency(
    services: Services, ledgers: Ledgers, order: dict[str, object]
) -> None:
    RunByHand(services, user_id="user_789").acts()
    stands = moved(ledgers, "payment"), moved(ledgers, "loyalty")
    run = RunByHand(services, **order).acts()
    assert audit(ledgers).succeeded == 2
    assert next_audit(ledgers, run.ended("succeeded")).clean
    run.undoes()
    assert (moved(ledgers, "payment"), moved(ledgers, "loyalty")) == stands
    report = audit(ledgers)
    assert (report.clean, report.rolled_back) == (True, 1)
    assert next_audit(ledgers, run.ended("rolled_back")) == report


def test_an_order_that_costs_nothing_is_charged_and_refunded_like_any_other(
    services: Services, ledgers: Ledgers
) -> None:
    # A customer without any credit can pay nothing.
    run = RunByHand(services, user_id="user_broke", **_FREE)
    first = services.get(PaymentService).charge(run.requests.payment)
    assert services.get(PaymentService).charge(run.requests.payment) == first
    run.acts("inventory", "shipping", "loyalty")
    assert run.requests.loyalty.points == 0
    assert audit(ledgers, run.ended("succeeded")).clean
    assert services.get(PaymentService).refund(run.requests.payment).had_effect


@pytest.mark.parametrize(("user", "left"), [("user_broke", "0"), ("user_limited", "100")])
def test_a_customer_with_little_credit_has_little_in_each_currency(
    services: Services, user: str, left: str
) -> None:
    for _ in range(2):
        with pytest.raises(PaymentDeclined, match=f"500 JPY to pay, {left} JPY left"):
            RunByHand(services, user_id=user, **IN_YEN).acts("payment")


def test_a_closed_account_takes_points_in_no_currency(services: Services) -> None:
    with pytest.raises(LoyaltyAccountClosed):
        RunByHand(services, user_id="user_closed", **IN_YEN).acts("loyalty")


def test_an_item_at_two_prices_is_reserved_in_one_sum(services: Services, ledgers: Ledgers) -> None:
    RunByHand(services, **IN_YEN).acts("inventory")
    assert moved(ledgers, "inventory") == {("item_1", ""): -3}
    wanted = [{"id": "item_scarce", "quantity": 2, "price": p} for p in (1, 2)]
    order = an_order(items=wanted, total_amount=6)
    with pytest.raises(Exception, match="item_scarce: 4 wanted, 3 on hand"):
        services.get(InventoryService).reserve(requests_for(order).inventory)


@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        {"currency": "KRW"},
        {"adjustments": [{"kind": "discount", "amount": -50}]},
    ],
)
def test_the_same_key_with_another_currency_or_adjustment_is_a_conflict(
    services: Services, change: dict[str, object]
) -> None:
    payments = services.get(PaymentService)
    payments.charge(requests_for(an_order("order_1", **IN_YEN)).payment)
    with pytest.raises(IdempotencyConflict):
        payments.charge(requests_for(an_order("order_1", **{**IN_YEN, **change})).payment)


@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("service", "wrong", "said"),
    [
        ("payment", "UPDATE journal SET currency = 'EUR'", "asked for in JPY, but posted in EUR"),
        ("payment", "UPDATE journal SET currency = ''", "posted in the shop's own currency"),
        (
            "payment",
            "UPDATE credit SET available = available - 1 WHERE currency = 'JPY'",
            "user_789 JPY holds 9999499, its journal says 9999500",
        ),
        (
            "loyalty",
            "UPDATE fence SET request = replace(request, 'JPY', 'KRW')",
            "5 KRW points are not 1 % of 500 JPY",
        ),
        (
            "payment",
            "UPDATE fence SET request = replace(request, '-100.00', '-99.00')",
            "items worth 550.00, adjusted to 501.00, were charged 500 JPY",
        ),
    ],
)
def test_books_in_the_wrong_currency_do_not_add_up(
    services: Services, ledgers: Ledgers, service: str, wrong: str, said: str
) -> None:
    run = RunByHand(services, **IN_YEN).acts()
    assert audit(ledgers, run.ended("succeeded")).clean
    tamper(ledgers[service], wrong)
    assert said in "\n".join(map(str, audit(ledgers, run.ended("succeeded")).violations))
