"""Command ``make scoreboard``: carry out all checks and print the table."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from rich.console import Console
from temporalio.runtime import Runtime, TelemetryConfig

from runtime.exits import ExitCode, run
from tests.harness.server import time_skipping_server
from trials.scoreboard.scoreboard import WIDTH, fails, play, show


async def main() -> ExitCode:
    """Carry out all checks; return exit code 1 if the scoreboard is not as expected."""
    with tempfile.TemporaryDirectory() as folder:
        async with await time_skipping_server() as env:
            board = await play(env, Path(folder))
    show(board, Console(width=WIDTH, highlight=False, emoji=False))
    return ExitCode.ROLLED_BACK if fails(board) else ExitCode.SUCCESS


if __name__ == "__main__":
    # Failures of the contenders are shown by the table.
    logging.disable()
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)))
    run(main)
