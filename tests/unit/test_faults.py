"""The fault plan: what it strikes, that it repeats itself, and what it refuses to be."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from messages.failures import PaymentDeclined, PermanentFailure, TransientFailure
from messages.participants import SERVICES
from messages.payment import Payment, ProcessPayment
from services.faults import BadFaultPlan, FaultPlan, load_fault_plan
from services.mock import open_services
from services.payment import PaymentService
from tests.harness.builders import an_order, requests_for

CHARGE = '[[fault]]\noperations = ["process_payment"]\n'


def charge(ledgers: dict[str, str], rule: dict[str, object], request: ProcessPayment) -> Payment:
    """One call, by a service that was opened only for it."""
    plan = FaultPlan.model_validate(
        {"seed": 7, "fault": [{"operations": ["process_payment"], **rule}]}
    )
    with closing(open_services(ledgers, plan)) as services:
        return services.get(PaymentService).charge(request)


def payment_request(order_id: str | None = None) -> ProcessPayment:
    return requests_for(an_order(order_id)).payment


def test_a_count_goes_on_counting_after_a_restart(ledgers: dict[str, str]) -> None:
    request = payment_request()
    rule: dict[str, object] = {"kind": "transient", "count": 2}
    for _ in range(2):
        with pytest.raises(TransientFailure):
            charge(ledgers, rule, request)
    assert charge(ledgers, rule, request)


def test_a_planned_refusal_is_kept_like_a_real_one(ledgers: dict[str, str]) -> None:
    request = payment_request()
    with pytest.raises(PaymentDeclined):
        charge(ledgers, {"kind": "refusal", "count": 1}, request)
    with pytest.raises(PaymentDeclined):
        charge(ledgers, {"kind": "refusal", "count": 1}, request)


def test_a_lost_reply_comes_after_the_effect(ledgers: dict[str, str]) -> None:
    request = payment_request()
    with pytest.raises(TransientFailure):
        charge(ledgers, {"kind": "lost_reply", "count": 1}, request)
    with closing(open_services(ledgers)) as services:
        assert services.get(PaymentService).refund(request).had_effect


@pytest.mark.parametrize(("when", "stands"), [("before", False), ("after", True)])
def test_a_failure_for_good_comes_on_the_side_it_is_planned_for(
    ledgers: dict[str, str], when: str, stands: bool
) -> None:
    request = payment_request()
    with pytest.raises(PermanentFailure):
        charge(ledgers, {"kind": "permanent", "when": when, "rate": 1.0}, request)
    with closing(open_services(ledgers)) as services:
        assert services.get(PaymentService).refund(request).had_effect is stands


def test_only_matching_orders_are_struck(ledgers: dict[str, str]) -> None:
    rule: dict[str, object] = {"kind": "transient", "rate": 1.0, "orders": ["stuck*"]}
    assert charge(ledgers, rule, payment_request("calm_1"))
    with pytest.raises(TransientFailure):
        charge(ledgers, rule, payment_request("stuck_1"))


def test_a_seed_strikes_the_same_calls_again(tmp_path: Path) -> None:
    def struck(folder: str) -> list[int]:
        plan = FaultPlan.model_validate(
            {
                "seed": 3,
                "fault": [{"operations": ["process_payment"], "kind": "transient", "rate": 0.3}],
            }
        )
        urls = {name: f"sqlite:///{tmp_path / folder / name}.db" for name in SERVICES}
        hit = []
        with closing(open_services(urls, plan)) as services:
            for number in range(100):
                try:
                    services.get(PaymentService).charge(payment_request(f"order_{number}"))
                except TransientFailure:
                    hit.append(number)
        return hit

    first = struck("first")
    assert first == struck("second")
    assert 15 < len(first) < 45


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("seed = ", "fault plan"),
        ("[[fault]]\nkind = 'delay'\n", "rule 1: operations"),
        (CHARGE + "kind = 'transient'\n", "either rate or count"),
        (CHARGE + "kind = 'transient'\nrate = 0.5\ncount = 1\n", "either rate or count"),
        (CHARGE + "kind = 'transient'\nrate = 1.5\n", "rate"),
        (CHARGE + "kind = 'transient'\nrate = nan\n", "rate"),
        (CHARGE + "kind = 'delay'\nrate = 0.5\n", "needs seconds"),
        (CHARGE + "kind = 'refusal'\nrate = 0.5\nwhen = 'after'\n", "after the effect"),
        (CHARGE + "kind = 'lost_reply'\nrate = 0.5\nwhen = 'before'\n", "before the effect"),
        (CHARGE + "kind = 'earthquake'\nrate = 0.5\n", "kind"),
        (CHARGE + "kind = 'transient'\nrate = 0.5\nfoo = 1\n", "foo"),
        (
            "[[fault]]\noperations = ['refund_payment']\nkind = 'refusal'\nrate = 0.5\n",
            "cannot be refused",
        ),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_in_one_line(
    tmp_path: Path, content: str, said: str
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(content)
    with pytest.raises(BadFaultPlan) as refused:
        load_fault_plan(plan)
    assert said in str(refused.value)
    assert str(plan) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_plan_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadFaultPlan, match="No such file"):
        load_fault_plan(tmp_path / "none.toml")
