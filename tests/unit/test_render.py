"""Commands that decide about a parked step are shown with it, and amounts with their currency."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from cli.audit import conclude_audit
from cli.output import Output
from cli.placing import summary
from cli.render import say_how_to_resolve
from messages.sagas import SagaStatus, SagaView, StepState, StepView
from services.audit import audit
from services.mock import Services
from tests.harness.audits import RunByHand
from tests.harness.builders import IN_YEN, an_order


def test_a_parked_step_that_cannot_be_undone_offers_all_three_decisions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ship = StepView(name="ship", state=StepState.NEEDS_INTERVENTION, error="no answer")
    now = datetime.now(timezone.utc)
    status = SagaStatus.NEEDS_INTERVENTION
    view = SagaView(saga_id="sale", status=status, steps=(ship,), started_at=now, deadline=now)
    say_how_to_resolve("7", view, Output(as_json=False))
    shown = capsys.readouterr().out
    assert "ship may be done or not: no answer" in shown
    for action in ("retry", "keep", "mark_resolved"):
        assert f"--step ship --action {action} --note" in shown


def test_an_order_is_listed_with_its_currency() -> None:
    assert summary(an_order()) == "3 items, 200.00"
    assert summary(an_order(None, **IN_YEN)) == "3 items, 500 JPY"


@pytest.mark.parametrize("ledgers", ["sqlite"], indirect=True)
def test_an_audit_shows_the_sum_of_each_currency(
    services: Services, ledgers: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    RunByHand(services, **IN_YEN).acts()
    conclude_audit(audit(ledgers), Output(as_json=False), compared=True)
    only_yen = capsys.readouterr().out
    assert "500 JPY" in only_yen
    assert "0.00" not in only_yen
    RunByHand(services).acts()
    conclude_audit(audit(ledgers), Output(as_json=False), compared=True)
    both = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["payment", "2", "0", "0", "200.00"] in both
    assert ["500", "JPY"] in both
    assert ["loyalty", "2", "0", "0", "2", "points"] in both
    assert ["5", "JPY", "points"] in both
