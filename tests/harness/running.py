"""Programs under test, and how they end."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

from tests.harness.children import ROOT, heed_signals
from tests.harness.waiting import PATIENCE, wait_until

Completed = subprocess.CompletedProcess[str]


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


class Running:
    """A process under test, its output in a file."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=heed_signals,
            )

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
