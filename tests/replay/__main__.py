"""``make histories``: record the kinds of runs that have no history like what they do now."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from rich.console import Console
from temporalio.runtime import Runtime, TelemetryConfig

from runtime.exits import ExitCode, run
from tests.harness.server import time_skipping_server
from tests.replay.histories import alike, files, read, write
from tests.replay.recorder import record
from tests.replay.scenarios import SCENARIOS


async def main() -> ExitCode:
    """Play every scenario; keep what is new, and touch nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        async with await time_skipping_server() as env:
            histories = await record(env, Path(folder), SCENARIOS)
    console = Console(highlight=False, emoji=False, soft_wrap=True)
    for scenario, history in histories:
        if any(alike(scenario, read(file), history) for file in files(scenario)):
            console.print(f"  unchanged  {scenario.workflow}/{scenario.name}", style="dim")
        else:
            console.print(f"✔ recorded   {write(scenario, history).relative_to(Path.cwd())}")
    return ExitCode.SUCCESS


if __name__ == "__main__":
    # The faults are planned, and what came of them is in the histories.
    logging.disable()
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)))
    run(main)
