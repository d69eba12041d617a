"""Tests that end programs by signals pass where signals are ignored, as under nohup."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.children import ROOT, ended, heed_signals, holders
from tests.harness.waiting import wait_until

ENDED_BY_SIGNALS = (
    "tests/unit/test_runtime_exits.py::test_an_interrupt_ends_without_a_word",
    "tests/unit/test_runtime_exits.py::test_signals_ask_a_program_to_stop",
    "tests/unit/test_runtime_devserver.py"
    "::test_in_the_foreground_a_signal_stops_it_and_leaves_nothing_behind",
    "tests/workflows/test_addresses.py",
)


def test_programs_are_ended_by_signals_that_whoever_runs_the_tests_ignores(tmp_path: Path) -> None:
    tests = ended(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", *ENDED_BY_SIGNALS),
        preexec_fn=_ignore_signals,
        env={**os.environ, "PYTEST_DEBUG_TEMPROOT": str(tmp_path)},
        timeout=200,
    )

    assert tests.returncode == 0, tests.stdout


def _ignore_signals() -> None:
    for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)


HANGS = """
import time

async def test_that_hangs(env, fresh_system):
    fresh_system.start_worker()
    print("servers:", env.client.service_client.config.target_host, fresh_system.data_dir)
    time.sleep(600)
"""


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_a_test_run_that_is_ended_leaves_no_server_behind(
    tmp_path: Path, sign: signal.Signals
) -> None:
    if sign is signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux tells a program that its parent was killed")
    (tmp_path / "test_hangs.py").write_text(HANGS)
    pytest_ = ("-m", "pytest", "-p", "conftest", "-c", "pyproject.toml", "-s", "-q")
    options = ("-p", "no:cacheprovider", "--rootdir", ".", "--basetemp", str(tmp_path / "base"))
    with subprocess.Popen(
        [sys.executable, *pytest_, *options, str(tmp_path / "test_hangs.py")],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=heed_signals,
    ) as tests:  # fmt: skip
        try:
            assert tests.stdout is not None
            said = next(line for line in tests.stdout if "servers: " in line)
        finally:
            tests.send_signal(sign)
    address, data_dir = said.split("servers: ")[1].split()
    wait_until(lambda: not _answers(address), "the end of the server in memory")
    wait_until(lambda: not holders(Path(data_dir)), "the end of the server of real processes")


def _answers(server: str) -> bool:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
