"""The demo, stopped at any moment: it leaves nothing behind that stands in the next one's way."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator

import pytest

from tests.harness.children import holders, is_alive
from tests.harness.running import Running
from tests.harness.system import System
from tests.harness.waiting import wait_until

#: What it says, at the moments at which it is stopped.
FIRST_WORD = "Starting the Temporal server"
WORKER_STARTS = "Web UI  "
ACTS = r"reserve_inventory +success"
SIMULATION = "A shop's day"
STAYS_UP = "Ctrl-C stops worker and server"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One data directory for all demos of this file, each on what the last one left."""
    system = System(tmp_path_factory.mktemp("demo"))
    yield system
    system.stop()


def start(home: System, *options: str) -> Running:
    """Start a demo without the delays that let a person follow the acts."""
    no_faults = home.folder / "no_faults.toml"
    no_faults.touch()
    return home.start("starter.py", "demo", *options, ORDER_SAGA_FAULTS=str(no_faults))


@pytest.mark.parametrize(
    ("sign", "moment"),
    [
        (signal.SIGINT, FIRST_WORD),
        (signal.SIGINT, WORKER_STARTS),
        (signal.SIGINT, ACTS),
        (signal.SIGTERM, ACTS),
        (signal.SIGINT, SIMULATION),
    ],
)
def test_a_demo_that_is_interrupted_exits_130_and_leaves_no_process(
    home: System, sign: signal.Signals, moment: str
) -> None:
    demo = start(home, "--exit", "--orders", "1000")
    demo.until_it_says(moment)
    pids = holders(home.data_dir)
    demo.send(sign)
    assert demo.exit_code() == 130, demo.output()
    assert "Stopping worker and server." in demo.output()
    assert "Traceback" not in demo.output()
    assert "error" not in demo.output()
    assert holders(home.data_dir) == []
    assert [pid for pid in pids if is_alive(pid)] == []


def test_a_killed_demo_can_be_given_again_once_its_children_are_stopped(home: System) -> None:
    killed = start(home)
    killed.until_it_says(ACTS)
    children = set(holders(home.data_dir)) - {killed.process.pid}
    killed.send(signal.SIGKILL)
    killed.exit_code()
    assert told_to_kill(home) == children
    for pid in children:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not holders(home.data_dir), "the end of the killed demo's children")

    demo = start(home, "--orders", "10")
    for said in (SIMULATION, STAYS_UP):
        demo.until_it_says(said)
    assert "all books add up" in demo.output()
    pids = holders(home.data_dir)
    assert told_to_kill(home) == set(pids)
    assert demo.process.pid in pids
    demo.send(signal.SIGINT)
    assert demo.exit_code() == 0, demo.output()
    assert "Traceback" not in demo.output()
    assert holders(home.data_dir) == []
    assert [pid for pid in pids if is_alive(pid)] == []


def test_each_example_ends_as_its_title_says(home: System) -> None:
    no_faults = home.folder / "no_faults.toml"
    no_faults.touch()
    shown = home.starter(
        *("demo", "--exit", "--orders", "10", "--json"), ORDER_SAGA_FAULTS=str(no_faults)
    )
    assert shown.returncode == 0, shown.stderr
    for mode in ("order_saga_", "saga_"):
        ends = [
            (end["status"], end.get("failed_step"))
            for act in json.loads(shown.stdout)["acts"]
            if act["workflow_id"].startswith(mode)
            for end in [act["result"]]
        ]
        assert ends[:5] == [
            ("SUCCESS", None),
            ("FAILED", "reserve_inventory"),
            ("FAILED", "process_payment"),
            ("FAILED", "prepare_shipping"),
            ("FAILED", "award_loyalty_points"),
        ]


def told_to_kill(home: System) -> set[int]:
    """Return whom another demo names, in its one line, as standing in the data directory's way."""
    other = home.starter("demo", "--exit", "--orders", "10")
    assert other.returncode == 2, other.stdout + other.stderr
    assert other.stderr.count("\n") == 1, other.stderr
    named = re.search(r"another instance uses the data directory .*\(kill ([\d ]+)\)", other.stderr)
    assert named is not None, other.stderr
    return set(map(int, named[1].split()))
