"""Commands that decide about a parked step are shown with it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from cli.output import Output
from cli.render import say_how_to_resolve
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
