"""Orders that a changed worker cannot go on with: they say so, and what to do."""

from __future__ import annotations

from tests.harness.builders import an_id, seed_order_json
from tests.harness.children import ROOT
from tests.harness.running import assert_one_line
from tests.harness.system import System

#: The refund of ``stuck*`` orders fails.
TROUBLE = ROOT / "examples" / "faults" / "stuck_refund.toml"

MODES = ("orchestration", "choreography")


def test_a_run_whose_workflow_task_fails_says_so_and_what_to_do(system_beside: System) -> None:
    orders = {mode: an_id("stuck") for mode in MODES}
    good = system_beside.start_worker(faults=str(TROUBLE))
    for mode, order_id in orders.items():
        placed = system_beside.order(order_id, "--mode", mode)
        assert placed.returncode == 1
    good.stop()
    changed = system_beside.start("-m", "tests.harness.changed_worker")
    changed.until_it_says("polling task queue")

    def assert_says_so(*command: str) -> None:
        done = system_beside.starter(*command)
        words = ("its workflow task fails: ", "Nondeterminism", "docs/changing-workflows.md")
        assert_one_line(done, 1, *words)

    for order_id in orders.values():
        assert_says_so("status", order_id)  # not a word of it in the history yet …
        assert_says_so("cancel", order_id)
        assert_says_so("cancel", order_id)  # … and now its workflow task is tried again and again.
        assert_says_so("status", order_id)
    led, told = orders.values()
    how = ("--action", "retry", "--note", "n")
    assert_says_so("resolve", led, "--step", "process_payment", *how)

    known = system_beside.starter_json("status", f"saga_{told}")
    assert (known["saga_id"], known["status"]) == (f"saga_{told}", "RUNNING")
    assert "(attempt " in str(known["problem"])
    assert str(known["run_id"]) in system_beside.starter("status", told).stdout


def test_placing_it_again_tells_why_nothing_happens(system_beside: System) -> None:
    order = seed_order_json(an_id("stuck"))
    good = system_beside.start_worker(faults=str(TROUBLE))
    assert system_beside.starter("order", "-", stdin=order).returncode == 1
    good.stop()
    changed = system_beside.start("-m", "tests.harness.changed_worker")
    changed.until_it_says("polling task queue")
    file = system_beside.folder / "order.json"
    file.write_text(order)
    watching = system_beside.start("starter.py", "order", str(file))
    watching.until_it_says("its workflow task fails: .*waiting for it")
    changed.stop()
    system_beside.start_worker()
    watching.until_it_says("⚠ process_payment cannot be undone")
    assert watching.exit_code() == 1
