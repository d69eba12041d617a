"""``starter.py order``: placed once, watched to its end, and told without riddles."""

from __future__ import annotations

import json
import re
import shlex
import signal
from pathlib import Path

import pytest

from tests.harness.builders import an_id, seed_order_json
from tests.harness.faults import delay, permanent, refusal, transient
from tests.harness.running import Completed, assert_one_line
from tests.harness.system import System

EXAMPLES = Path(__file__).parents[2] / "examples"

TROUBLE = (
    delay("prepare_shipping", seconds=1.0, orders="slow*"),
    transient("prepare_shipping", orders="never*"),
    refusal("prepare_shipping", orders="stuck*"),
    permanent("refund_payment", times=1, orders="stuck*"),
)


def test_an_order_is_shown_step_by_step_without_control_codes(system: System) -> None:
    done = system.order(an_id("slow"))
    assert done.returncode == 0
    assert re.search(r"▶ prepare_shipping +running", done.stdout)
    assert re.search(r"✔ award_loyalty_points +success\n✔ SUCCESS", done.stdout)
    assert "\x1b" not in done.stdout
    assert not done.stderr


def test_json_is_the_result_and_nothing_else_on_standard_output(system: System) -> None:
    order_id = an_id()
    done = system.order(order_id, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "saga_id": f"order_saga_{order_id}",
        "status": "SUCCESS",
        "completed_steps": 4,
    }


@pytest.mark.parametrize(
    ("example", "step", "undone"),
    [
        ("out_of_stock.json", "reserve_inventory", []),
        ("payment_declined.json", "process_payment", ["reserve_inventory"]),
        (
            "address_not_serviceable.json",
            "prepare_shipping",
            ["process_payment", "reserve_inventory"],
        ),
        (
            "loyalty_refused.json",
            "award_loyalty_points",
            ["prepare_shipping", "process_payment", "reserve_inventory"],
        ),
    ],
)
def test_a_refused_order_exits_1_and_says_what_was_undone(
    system: System, example: str, step: str, undone: list[str]
) -> None:
    done = system.starter("order", str(EXAMPLES / example), "--json")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert (result["status"], result["failed_step"]) == ("FAILED", step)
    assert result["compensated_steps"] == undone


def test_placing_an_order_again_finds_its_run(system: System) -> None:
    order = seed_order_json(an_id())
    first = system.starter_json("order", "-", "--no-wait", stdin=order)
    assert system.starter("order", "-", stdin=order).returncode == 0
    again = system.starter("order", "-", stdin=order)
    assert again.returncode == 0
    assert "placed before" in again.stdout
    assert system.starter_json("order", "-", "--no-wait", stdin=order) == {
        **first,
        "already_placed": True,
    }


def test_the_same_id_with_other_content_is_refused(system: System) -> None:
    order = seed_order_json(an_id())
    assert system.starter("order", "-", stdin=order).returncode == 0
    other = system.starter("order", "-", stdin=order.replace("Main St", "Side St"))
    assert_one_line(other, 2, "shipping_address")


def test_an_order_that_failed_may_be_placed_again(system: System) -> None:
    order = json.loads(seed_order_json(an_id())) | {"user_id": "user_broke"}
    first, again = (
        system.starter("order", "-", "--no-wait", "--json", stdin=json.dumps(order))
        for _ in range(2)
        if system.starter("order", "-", stdin=json.dumps(order)).returncode == 1
    )
    assert json.loads(first.stdout)["run_id"] != json.loads(again.stdout)["run_id"]


def test_the_deadline_undoes_an_order_that_takes_too_long(system: System) -> None:
    done = system.order(an_id("never"), "--deadline", "1", "--json")
    assert done.returncode == 1
    assert "deadline passed" in json.loads(done.stdout)["error"]


def test_an_order_that_cannot_be_undone_comes_with_the_commands_that_help(system: System) -> None:
    stuck = system.order(an_id("stuck"))
    assert stuck.returncode == 1
    retry = next(line for line in stdout_lines(stuck) if "--action retry" in line)
    words = shlex.split(retry)
    resolved = system.starter(*words[words.index("starter.py") + 1 :])
    assert resolved.returncode == 0, resolved.stdout + resolved.stderr
    assert "↩ FAILED at prepare_shipping" in resolved.stdout


def test_without_a_worker_it_says_so_and_waits_for_one(fresh_system: System) -> None:
    waiting = fresh_system.start("starter.py", "order", str(EXAMPLES / "order.json"))
    waiting.until_it_says("no worker answers .*python worker.py")
    fresh_system.start_worker()
    assert waiting.exit_code() == 0
    assert "SUCCESS" in waiting.output()


def test_control_c_leaves_the_order_to_itself(system: System) -> None:
    order_id = an_id("never")
    file = system.folder / f"{order_id}.json"
    file.write_text(seed_order_json(order_id))
    watching = system.start("starter.py", "order", str(file))
    watching.until_it_says("prepare_shipping +running")
    watching.send(signal.SIGINT)
    assert watching.exit_code() == 130
    assert f"starter.py status {order_id}" in watching.output()
    assert "Traceback" not in watching.output()
    assert system.starter_json("status", order_id)["status"] == "RUNNING"
    assert system.starter("cancel", order_id).returncode == 0


@pytest.mark.parametrize(
    "command",
    [
        ("order", str(EXAMPLES / "order.json")),
        ("status", "x"),
        ("cancel", "x"),
        ("inbox",),
        ("resolve", "x", "--step", "s", "--action", "retry", "--note", "n"),
        ("simulate",),
    ],
    ids=lambda command: command[0],
)
def test_without_a_server_each_command_exits_3_with_one_line(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = System(tmp_path).starter(*command, TEMPORAL_ADDRESS="127.0.0.1:1")
    assert_one_line(done, 3, "no Temporal server at 127.0.0.1:1")
    assert not done.stdout


def stdout_lines(done: Completed) -> list[str]:
    return done.stdout.splitlines()
