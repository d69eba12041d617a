"""Programs under test, and how they end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from tests.harness.children import ROOT, heed_signals
from tests.harness.forked import Forked, can_be_forked
from tests.harness.waiting import PATIENCE, wait_until

Completed = subprocess.CompletedProcess[str]


def ended(command: list[str], env: Mapping[str, str], stdin: str | None = None) -> Completed:
    """Run a Python program to its end, with that as its standard input."""
    with (
        TemporaryFile("w+", encoding="utf-8") as given,
        TemporaryFile("w+", encoding="utf-8") as stdout,
        TemporaryFile("w+", encoding="utf-8") as stderr,
    ):
        given.write(stdin or "")
        given.seek(0)
        process = started(command, env, given, stdout, stderr)
        try:
            code = process.wait(PATIENCE * 3)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        for said in (stdout, stderr):
            said.seek(0)
        return subprocess.CompletedProcess(command, code, stdout.read(), stderr.read())


def assert_one_line(completed: Completed, exit_code: int, *words: str) -> None:
    """Assert that the command ended with that code and one line of complaint."""
    assert completed.returncode == exit_code, completed.stdout + completed.stderr
    assert completed.stderr.count("\n") == 1, completed.stderr
    for word in words:
        assert word in completed.stderr


def assert_fails_with_one_line(done: Completed, *words: str) -> None:
    """Assert that the program refused to run, and said why in the last line of its output."""
    assert done.returncode == 2, done.stdout
    errors = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stdout
    assert done.stdout.endswith(errors[0] + "\n")
    assert "Traceback" not in done.stdout
    for word in words:
        assert word in errors[0]


def started(
    command: list[str],
    env: Mapping[str, str],
    stdin: IO[Any],
    stdout: IO[Any],
    stderr: IO[Any],
) -> subprocess.Popen[bytes] | Forked:
    """Start a Python program, in the project's root and with files as its streams."""
    if can_be_forked(command):
        return Forked(command, env, [stream.fileno() for stream in (stdin, stdout, stderr)])
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=env,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=heed_signals,
    )


class Running:
    """A process under test, its output in a file."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output, Path(os.devnull).open() as nothing:
            self.process = started(command, env, nothing, output, output)

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def until_it_says(self, pattern: str) -> re.Match[str]:
        """Wait until its output matches."""
        wait_until(lambda: re.search(pattern, self.output()) or self._is_over(), pattern)
        found = re.search(pattern, self.output())
        assert found is not None, f"it ended without saying {pattern!r}:\n{self.output()}"
        return found

    def send(self, sign: signal.Signals) -> None:
        self.process.send_signal(sign)

    def exit_code(self) -> int:
        """Wait for its end."""
        return self.process.wait(PATIENCE)

    def stop(self) -> None:
        """End it, whatever it is doing."""
        if not self._is_over():
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _is_over(self) -> bool:
        return self.process.poll() is not None
