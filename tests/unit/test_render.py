"""Text for people: what can be decided is shown with it, and nothing is cut."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from cli.output import Output
from cli.render import say_how_to_resolve, steps_table
from messages.sagas import SagaStatus, SagaView, StepState, StepView


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
