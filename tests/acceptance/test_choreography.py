"""The command line with ``--mode choreography``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.harness.builders import an_id, seed_order_json
from tests.harness.faults import delay, permanent, transient
from tests.harness.running import assert_one_line
from tests.harness.system import System

EXAMPLES = Path(__file__).parents[2] / "examples"
MODE = ("--mode", "choreography")

TROUBLE = (
    delay("prepare_shipping", seconds=3.0, orders="slow*"),
    transient("prepare_shipping", orders="never*"),
    permanent("process_payment", times=1, orders="stuck*"),
)


def test_an_order_is_told_as_a_tree_of_events_and_as_json(system: System) -> None:
    order_id = an_id()
    done = system.order(order_id, *MODE)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if " ms" in line]
    assert [line.split("+")[0].lstrip(" │├└─━┗┣┃").split()[1] for line in lines] == [
        "OrderCreated",
        "InventoryReserved",
        "PaymentSucceeded",
        "ShipmentPrepared",
        "LoyaltyPointsAwarded",
    ]
    assert "✔ SUCCESS" in done.stdout
    assert "\x1b" not in done.stdout
    told = system.starter_json("status", order_id, *MODE)
    assert told["saga_id"] == f"saga_{order_id}"
    assert told["result"] == {
        "saga_id": f"saga_{order_id}",
        "status": "SUCCESS",
        "completed_steps": 4,
    }
    events = told["events"]
    assert isinstance(events, list)
    assert len(events) == len(lines)


def test_a_refused_order_exits_1_with_the_result(system: System) -> None:
    done = system.starter("order", str(EXAMPLES / "payment_declined.json"), *MODE, "--json")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert (result["status"], result["failed_step"]) == ("FAILED", "process_payment")
    assert result["compensated_steps"] == ["reserve_inventory"]


def test_an_order_is_looked_for_in_the_mode_in_which_it_was_placed(system: System) -> None:
    order_id = an_id()
    order = seed_order_json(order_id)
    assert system.starter("order", "-", *MODE, stdin=order).returncode == 0
    again = system.starter("order", "-", *MODE, stdin=order)
    assert "placed before" in again.stdout
    assert_one_line(
        system.starter("status", order_id, "--mode", "orchestration"),
        2,
        order_id,
        "was placed with --mode choreography",
    )
    assert_one_line(system.starter("status", "nothing", *MODE), 2, "no order 'nothing' was placed")
    assert_one_line(system.starter("cancel", order_id, *MODE), 1, "closed already")


def test_a_customer_cancels_an_order_under_way(system: System) -> None:
    order_id = an_id("never")  # however long the commands take to start
    placed = system.starter_json("order", "-", *MODE, "--no-wait", stdin=seed_order_json(order_id))
    assert placed["saga_id"] == f"saga_{order_id}"
    done = system.starter("cancel", order_id, *MODE, "--reason", "found it cheaper", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert (result["status"], result["error"]) == ("CANCELLED", "found it cheaper")


def test_the_deadline_calls_an_order_off(system: System) -> None:
    order = seed_order_json(an_id("slow"))
    done = system.starter("order", "-", *MODE, "--deadline", "1", "--json", stdin=order)
    assert done.returncode == 1
    assert "deadline passed" in json.loads(done.stdout)["error"]


def test_a_dead_letter_is_found_and_replayed_with_the_command_that_is_shown(
    system: System,
) -> None:
    order_id = an_id("stuck")
    stuck = system.order(order_id, *MODE)
    assert stuck.returncode == 1
    assert f"resolve {order_id} --mode choreography" in stuck.stdout
    listed = json.loads(system.starter("inbox", "--json").stdout)
    [letter] = [entry for entry in listed if entry["order_id"] == order_id]
    assert (letter["mode"], letter["event_type"]) == ("choreography", "InventoryReserved")
    name = f"{letter['event_type']}/{letter['subscriber']}"
    note = ("--note", "the bank is back")
    unknown = ("resolve", order_id, *MODE, "--step", "PaymentSucceeded/shipping", *note)
    assert_one_line(
        system.starter(*unknown, "--action", "replay"), 1, "no dead letter", f"waiting: {name}"
    )
    named = ("resolve", order_id, *MODE, "--step", name, *note)
    assert_one_line(system.starter(*named, "--action", "retry"), 2, "action", "retry")
    done = system.starter(*named, "--action", "replay", "--operator", "ada")
    assert done.returncode == 0, done.stdout + done.stderr
    assert system.order(order_id, *MODE).returncode == 0
    assert order_id not in system.starter("inbox").stdout


def test_a_dead_letter_that_is_discarded_ends_its_order(system: System) -> None:
    order_id = an_id("stuck")
    assert system.order(order_id, *MODE).returncode == 1
    named = ("resolve", order_id, *MODE, "--step", "InventoryReserved/payment", "--note", "no")
    done = system.starter(*named, "--action", "discard", "--operator", "ada", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    decided = json.loads(done.stdout)
    assert decided["state"] == "discarded"
    assert decided["decisions"] == [{"action": "discard", "operator": "ada", "note": "no"}]
    assert_one_line(system.starter(*named, "--action", "discard"), 1, "waiting: none")


def test_a_simulation_sums_up_what_became_of_its_orders(system: System) -> None:
    summary = system.starter_json("simulate", *MODE, "--orders", "5")
    assert summary["orders"] == summary["succeeded"] == 5
    system.assert_audit_is_clean()
