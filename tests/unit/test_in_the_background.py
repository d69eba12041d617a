"""Tests that end programs by signals pass where signals are ignored, as under nohup."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENDED_BY_SIGNALS = (
    "tests/unit/test_runtime_exits.py::test_an_interrupt_ends_without_a_word",
    "tests/unit/test_runtime_exits.py::test_signals_ask_a_program_to_stop",
    "tests/unit/test_runtime_devserver.py"
    "::test_in_the_foreground_a_signal_stops_it_and_leaves_nothing_behind",
)


def test_programs_are_ended_by_signals_that_whoever_runs_the_tests_ignores(tmp_path: Path) -> None:
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *ENDED_BY_SIGNALS],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        preexec_fn=_ignore_signals, env={**os.environ, "PYTEST_DEBUG_TEMPROOT": str(tmp_path)},
    )  # fmt: skip

    assert tests.returncode == 0, tests.stdout


def _ignore_signals() -> None:
    for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
