"""Lists that somebody watches in a terminal."""

from __future__ import annotations

import pytest

from tests.harness.builders import an_id
from tests.harness.children import ROOT
from tests.harness.running import assert_one_line
from tests.harness.system import System

#: The refund of ``stuck*`` orders fails.
TROUBLE = ROOT / "examples" / "faults" / "stuck_refund.toml"


def test_the_inbox_is_watched_until_ctrl_c(system_beside: System) -> None:
    system_beside.start_worker(faults=str(TROUBLE))
    watching = system_beside.start_in_terminal("inbox", "--watch")
    watching.until_it_says("No order waits for an operator")
    stuck = an_id("stuck")
    assert system_beside.order(stuck).returncode == 1
    watching.until_it_says(f"1 in the inbox[^✔]*Order {stuck} waits")
    assert system_beside.order(an_id("stuck")).returncode == 1
    assert system_beside.order(an_id("stuck")).returncode == 1
    watching.until_it_says(r"3 in the inbox[^✔]*… \d+ more lines")
    watching.type(b"\x03")

    assert watching.exit_code() == 130
    assert "Traceback" not in watching.output()


def test_a_list_is_watched_until_ctrl_c(system_beside: System) -> None:
    system_beside.start_worker()
    watching = system_beside.start_in_terminal("list", "--watch")
    watching.until_it_says("No such order")
    order_id = an_id()
    assert system_beside.order(order_id).returncode == 0
    watching.until_it_says(f"SUCCESS.*{order_id}")
    watching.type(b"\x03")

    assert watching.exit_code() == 130
    assert "Traceback" not in watching.output()


def test_a_watched_list_waits_for_its_server(stopped_system: System) -> None:
    server = stopped_system.start_server()
    watching = stopped_system.start_in_terminal("inbox", "--watch")
    watching.until_it_says("No order waits for an operator")
    server.stop()
    watching.until_it_says("the server does not answer")
    port = stopped_system.address.rpartition(":")[2]
    again = stopped_system.start("-m", "runtime", "--port", port)
    again.until_it_says("Temporal server at")
    watching.until_it_says("does not answer[^✔]*0 in the inbox[^✔]*✔")
    watching.type(b"\x03")

    assert watching.exit_code() == 130


@pytest.mark.parametrize("command", ["list", "inbox"])
def test_a_file_cannot_be_watched(running_system: System, command: str) -> None:
    assert_one_line(running_system.starter(command, "--watch"), 2, "--watch needs a terminal")
