"""Programs in a terminal, with somebody who looks at the screen and types."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path
from threading import Thread

from tests.harness.children import ROOT, heed_signals
from tests.harness.running import Running

_ROWS, _COLUMNS = 20, 100


class InTerminal(Running):
    """A process under test that controls a terminal; all that is ever shown is its output."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path) -> None:
        self.log = log
        self.log.touch()
        self._keyboard, screen = pty.openpty()
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("4H", _ROWS, _COLUMNS, 0, 0))
        with os.fdopen(screen, "rb") as end:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**env, "TERM": "xterm"},
                stdin=end,
                stdout=end,
                stderr=end,
                start_new_session=True,
                preexec_fn=_control_the_terminal,
            )
        Thread(target=self._record, daemon=True).start()

    def type(self, keys: bytes) -> None:
        os.write(self._keyboard, keys)

    def _record(self) -> None:
        with self.log.open("ab", buffering=0) as log:
            try:
                while shown := os.read(self._keyboard, 4096):
                    log.write(shown)
            except OSError:
                pass  # on Linux, it is how a terminal ends that no process has any more
            os.close(self._keyboard)


def _control_the_terminal() -> None:
    heed_signals()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
