"""The command line when others are at it too: many orders, one placed twice, Temporal's cancel."""

from __future__ import annotations

import json
import re
import uuid

from tests.harness.builders import seed_order_json
from tests.harness.faults import permanent, refusal, transient
from tests.harness.running import Running
from tests.harness.system import System

TROUBLE = (
    transient("prepare_shipping", orders="never*"),
    refusal("prepare_shipping", orders=("some*-[12]", "stuck*")),
    permanent("refund_payment", orders="stuck*"),
)


def simulated(system: System, prefix: str) -> tuple[int, dict[str, object], str]:
    """Exit code, JSON document and the words for people of a simulation of six orders."""
    done = system.starter("simulate", "--json", "--orders", "6", "--prefix", prefix)
    summary = json.loads(done.stdout)
    assert isinstance(summary, dict)
    return done.returncode, summary, done.stderr


def assert_adds_up(summary: dict[str, object]) -> None:
    rolled_back = summary["rolled_back"]
    assert isinstance(rolled_back, dict)
    singles = [summary[kind] for kind in ("succeeded", "cancelled", "parked", "broken_off")]
    numbers = [n for n in (*singles, *rolled_back.values()) if isinstance(n, int)]
    assert sum(numbers) == summary["orders"] == 6


def test_a_simulations_json_adds_up_and_rolling_back_is_no_failure(system: System) -> None:
    code, summary, told = simulated(system, f"some-{uuid.uuid4()}")
    assert_adds_up(summary)
    assert code == 0, told
    assert (summary["succeeded"], summary["rolled_back"]) == (4, {"prepare_shipping": 2})
    assert "6 of 6 orders" in told


def test_a_simulation_that_leaves_orders_waiting_exits_1_and_names_the_inbox(
    system: System,
) -> None:
    code, summary, told = simulated(system, f"stuck-{uuid.uuid4()}")
    assert_adds_up(summary)
    assert (code, summary["parked"]) == (1, 6)
    assert "starter.py inbox" in told


def test_the_status_after_temporals_own_cancel_says_what_was_undone(system: System) -> None:
    order_id = f"never-{uuid.uuid4()}"
    file = system.folder / "never.json"
    file.write_text(seed_order_json(order_id))
    watching = system.start("starter.py", "order", str(file))
    watching.until_it_says("prepare_shipping +running")
    cancel = system.temporal("workflow", "cancel", "--workflow-id", f"order_saga_{order_id}")
    assert cancel.returncode == 0, cancel.stderr
    assert watching.exit_code() == 1
    status = system.starter("status", order_id)
    assert status.returncode == 0
    assert re.search(r"↩ process_payment +compensated", status.stdout)
    assert "↩ CANCELLED" in status.stdout
    document = system.starter_json("status", order_id)
    assert document["status"] == "CANCELLED"
    assert isinstance(result := document["result"], dict)
    undone = {"prepare_shipping", "process_payment", "reserve_inventory"}
    assert set(result["compensated_steps"]) == undone


def placed_at_once(system: System, *orders: str) -> list[Running]:
    """Run a starter for each order, all started before the first has got anywhere; now over."""
    starters = []
    for order in orders:
        file = system.folder / f"{uuid.uuid4()}.json"
        file.write_text(order)
        starters.append(system.start("starter.py", "order", str(file), "--no-wait"))
    for starter in starters:
        starter.exit_code()
    return starters


def test_the_same_order_placed_twice_at_once_is_one_run(system: System) -> None:
    order = seed_order_json(f"order-{uuid.uuid4()}")
    starters = placed_at_once(system, order, order)
    said = "".join(starter.output() for starter in starters)
    assert [starter.exit_code() for starter in starters] == [0, 0], said
    assert len(set(re.findall(r"run ([\w-]+)\n", said))) == 1, said
    assert (said.count(" is placed: "), said.count(" was placed before: ")) == (1, 1), said


def test_of_two_orders_under_one_id_at_once_one_wins_and_the_other_is_told(
    system: System,
) -> None:
    order_id = f"order-{uuid.uuid4()}"
    order = seed_order_json(order_id)
    starters = placed_at_once(system, order, order.replace("Main St", "Side St"))
    winner, loser = sorted(starters, key=Running.exit_code)
    assert (winner.exit_code(), loser.exit_code()) == (0, 2), winner.output() + loser.output()
    assert " is placed: " in winner.output()
    assert loser.output().startswith(f"error: order '{order_id}' was placed already")
    assert "shipping_address" in loser.output()
    assert loser.output().count("\n") == 1
