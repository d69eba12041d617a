"""Text for people: decisions with what to type, amounts with their currency, and nothing cut."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from cli.audit import conclude_audit
from cli.output import Output
from cli.placing import summary
from cli.render import say_how_to_resolve, steps_table
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


@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
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


LONG = "no carrier delivers to this address, " * 9


def test_output_that_is_no_terminal_is_never_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table = Table("reason")
    table.add_row(LONG)
    tree = Tree("order")
    tree.add(LONG)
    output = Output(as_json=False)
    output.say(table)
    output.say(tree)

    shown = capsys.readouterr().out

    assert shown.count(LONG.strip()) == 2
    assert "  \n" not in shown


def test_in_a_narrow_terminal_a_remark_is_below_its_step() -> None:
    step = StepView(name="prepare_shipping", state=StepState.FAILED, error=LONG)
    now = datetime.now(timezone.utc)
    view = SagaView(
        saga_id="s", status=SagaStatus.COMPENSATING, steps=(step,), started_at=now, deadline=now
    )
    terminal = Console(width=40, force_terminal=True, color_system=None)

    with terminal.capture() as captured:
        terminal.print(steps_table(view, narrow=True))
    head, *below = captured.get().splitlines()

    assert head.rstrip().endswith("prepare_shipping failed")
    assert " ".join(" ".join(below).split()) == LONG.strip()
    assert all(len(line) <= 40 for line in below)
