"""Orders that a command means: in either mode, by their ids or by what the Web UI shows."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest

from tests.harness.builders import an_id, seed_order_json
from tests.harness.children import ROOT
from tests.harness.faults import refusal, transient
from tests.harness.running import assert_one_line
from tests.harness.system import System

TROUBLE = (
    refusal("prepare_shipping", times=1, orders="once*"),
    transient("prepare_shipping", orders="*never*"),
)

CHOREOGRAPHY = ("--mode", "choreography")


def test_an_order_is_found_by_its_workflow_id_and_in_either_mode(system: System) -> None:
    led, told = an_id(), an_id()
    assert system.order(led).returncode == 0
    assert system.order(told, *CHOREOGRAPHY).returncode == 0
    for named in (led, f"order_saga_{led}"):
        assert system.starter_json("status", named)["saga_id"] == f"order_saga_{led}"
    for named in (told, f"saga_{told}"):
        assert system.starter_json("status", named)["saga_id"] == f"saga_{told}"
    assert_one_line(system.starter("status", told, "--mode", "orchestration"), 2, "choreography")
    assert_one_line(system.starter("cancel", f"saga_{told}"), 1, "closed already")


def test_an_id_that_looks_like_a_workflow_id_means_the_order_that_has_it(system: System) -> None:
    plain = an_id()
    alike = f"saga_{plain}"
    for order_id, mode in ((plain, CHOREOGRAPHY), (alike, ())):
        placed = system.order(order_id, *mode)
        assert placed.returncode == 0
    assert system.starter_json("status", alike)["saga_id"] == f"order_saga_{alike}"
    assert system.starter_json("status", plain)["saga_id"] == f"saga_{plain}"


@pytest.mark.parametrize(
    "modes", [("orchestration", "choreography"), ("choreography", "orchestration")]
)
def test_an_order_that_stands_in_the_other_mode_is_not_placed_again(
    system: System, modes: tuple[str, str]
) -> None:
    order = seed_order_json(an_id())
    first, other = (("--mode", mode) for mode in modes)
    placed = system.starter_json("order", "-", "--no-wait", *first, stdin=order)
    again = system.starter("order", "-", *other, stdin=order)
    assert again.returncode == 0
    assert f"was placed before, with --mode {modes[0]}; this is that run" in again.stdout
    unwatched = system.starter_json("order", "-", "--no-wait", *other, stdin=order)
    assert unwatched == {**placed, "already_placed": True}
    changed = system.starter("order", "-", *other, stdin=order.replace("Main St", "Side St"))
    assert_one_line(changed, 2, "shipping_address")


def test_one_that_failed_in_the_other_mode_is_placed_and_status_tells_of_both(
    system: System,
) -> None:
    order_id = an_id("once")
    order = seed_order_json(order_id)
    assert system.starter("order", "-", stdin=order).returncode == 1
    assert system.starter("order", "-", *CHOREOGRAPHY, stdin=order).returncode == 0
    shown = system.starter("status", order_id)
    assert f"saga_{order_id}  SUCCESS" in shown.stdout
    said, how = shown.stdout.splitlines()[:2]
    assert "placed in both modes" in said
    told = subprocess.run(
        [*shlex.split(how), "--json"],
        cwd=ROOT, env=system.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert json.loads(told.stdout)["status"] == "FAILED"


def test_cancel_finds_the_order_that_is_open(system: System) -> None:
    order_id = an_id("never")
    system.starter_json("order", "-", "--no-wait", *CHOREOGRAPHY, stdin=seed_order_json(order_id))
    cancelled = system.starter("cancel", order_id)
    assert cancelled.returncode == 0, cancelled.stdout + cancelled.stderr
    assert f"saga_{order_id}  cancelling" in cancelled.stdout


def test_an_id_that_is_no_text_or_far_too_long_is_bad_input(running_system: System) -> None:
    for command in (("status",), ("cancel",), ("resolve", "--step", "x", "--action", "retry")):
        note = ("--note", "x") if command[0] == "resolve" else ()
        done = running_system.starter(*command, *note, "\udcff")
        assert_one_line(done, 2, "not UTF-8")
    assert_one_line(running_system.starter("cancel", "x", "--reason", "\udcff"), 2, "not UTF-8")
    assert_one_line(running_system.starter("status", "x" * 3000), 2, "no order")


def test_a_reader_that_leaves_early_does_not_change_the_exit_code(system: System) -> None:
    order = an_id()
    assert system.order(order).returncode == 0
    for options in ("", "--json"):
        line = f"{shlex.quote(sys.executable)} starter.py status {order} {options} | true"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=ROOT, env=system.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
