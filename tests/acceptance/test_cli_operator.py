"""The operator's half of the command line, and the demo."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from services.faults import load_fault_plan
from tests.harness.children import ROOT
from tests.harness.system import System

#: The refund of ``stuck*`` orders fails.
TROUBLE = load_fault_plan(ROOT / "examples" / "faults" / "stuck_refund.toml").fault


def test_a_stuck_order_is_found_resolved_and_audited(system: System) -> None:
    order_id = f"stuck-{uuid.uuid4()}"
    placed = system.order(order_id)
    assert placed.returncode == 1
    assert "resolve" in placed.stdout + placed.stderr
    assert order_id in system.starter("inbox").stdout
    how = ("resolve", order_id, "--step", "process_payment", "--note", "letter 4711")
    resolved = system.starter(*how, "--action", "mark_resolved", "--operator", "ada")
    assert "FAILED" in resolved.stdout
    status = system.starter_json("status", order_id)
    assert "letter 4711" in json.dumps(status)
    assert order_id not in system.starter("inbox").stdout
    system.assert_audit_is_clean()


def test_a_finished_order_cannot_be_cancelled_and_an_unknown_one_is_said(system: System) -> None:
    order_id = f"order-{uuid.uuid4()}"
    assert system.order(order_id).returncode == 0
    assert system.starter("cancel", order_id).returncode == 1
    unknown = system.starter("status", "no-such-order")
    assert unknown.returncode == 2
    assert "Traceback" not in unknown.stderr


def test_the_demo_shows_everything_and_leaves(tmp_path: Path) -> None:
    demo = System(tmp_path).starter("demo", "--exit", "--orders", "10")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    for said in ("SUCCESS", "FAILED at award_loyalty_points", "/workflows/", "all books add up"):
        assert said in demo.stdout
