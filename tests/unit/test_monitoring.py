"""The alert rules do what they say, and the pages say what is there."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from messages.metrics import METRICS
from tests.harness.children import ROOT
from tests.harness.metrics import ALERTS, DASHBOARD, asked_for
from tests.harness.prometheus import program

RULE_TESTS = ALERTS.with_name("alerts_test.yml")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
PAGE = (ROOT / "docs" / "telemetry.md").read_text()
RULES = ALERTS.read_text()
NAMES = re.findall(r"- alert: (\w+)", RULES)


@pytest.mark.parametrize(
    "check",
    [("check", "rules", ALERTS), ("test", "rules", RULE_TESTS)],
    ids=["the rules are valid", "each alert fires when it should"],
)
def test_promtool_accepts(check: tuple[str, ...]) -> None:
    ran = subprocess.run([program("promtool"), *check], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_each_alert_is_tested_to_fire() -> None:
    fires = re.findall(
        r"alertname: (\w+)\n +eval_time: \w+\n +exp_alerts:\n", RULE_TESTS.read_text()
    )
    assert set(fires) == set(NAMES)


def test_each_alert_has_its_section_of_the_runbook_and_points_to_it() -> None:
    assert re.findall(r"^## (OrderSaga\w+)$", RUNBOOK, re.MULTILINE) == NAMES
    pointers = re.findall(r"runbook: docs/runbook\.md#(\w+)", RULES)
    assert pointers == [name.lower() for name in NAMES]


def test_the_page_names_each_metric_and_alert() -> None:
    named = set(re.findall(r"`(order_saga_\w+)`", PAGE))
    counters = {f"{m.name}_total" for m in METRICS if m.workflow_types or "answer" in m.labels}
    others = {m.name for m in METRICS} - {name.removesuffix("_total") for name in counters}
    assert named == counters | others
    assert set(re.findall(r"`(OrderSaga\w+)`", PAGE)) >= set(NAMES)


def test_the_dashboard_shows_each_metric_of_ours() -> None:
    shown = " ".join(asked_for())
    assert [metric.name for metric in METRICS if metric.name not in shown] == []
    ids = [panel["id"] for panel in json.loads(DASHBOARD.read_text())["panels"]]
    assert len(ids) == len(set(ids))
