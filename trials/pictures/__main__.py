"""Pictures for the documentation: ``make pictures`` writes them to docs/pictures.

A system of its own serves a simulated day of orders, and some that end in special ways. The day is
plotted, and Chromium takes the pages of the Web UI.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from cli.following import follow
from cli.local_system import LocalSystem, local_system
from cli.modes import Mode
from cli.order_file import read_order
from cli.output import Output
from cli.placing import place
from cli.screen import SagaScreen
from runtime.exits import ExitCode, run
from runtime.free_ports import any_free
from runtime.programs import ROOT
from settings import Settings
from trials.pictures.browser import browser
from trials.pictures.day import simulated_day
from trials.pictures.plots import plots
from trials.pictures.web_ui import SIZE, take

_FOLDER = ROOT / "docs" / "pictures"
_FAULTS = Path(__file__).with_name("faults.toml")


async def main() -> ExitCode:
    """Run the day, take the pictures, and say where they are."""
    output = Output(as_json=False)
    async with browser(*SIZE) as page:
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(data_dir=Path(folder), reconcile_every_seconds=0)
            async with (
                local_system(settings, any_free(), any_free(), output.line) as on,
                on.worker(_FAULTS),
            ):
                plotted = plots(await simulated_day(on))
                parked = await _special_orders(on, output)
                workflows = f"{on.server.ui_url}/namespaces/{on.client.namespace}/workflows"
                taken = await take(page, workflows, parked)
    _write({name: plot.encode() for name, plot in plotted.items()}, output)
    _write(taken, output)
    return ExitCode.SUCCESS


def _write(files: Mapping[str, bytes], output: Output) -> None:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (_FOLDER / name).write_bytes(content)
        output.line(f"docs/pictures/{name}  {len(content) / 1000:.0f} kB")


async def _special_orders(on: LocalSystem, output: Output) -> str:
    """Place one order of each kind; return the run id of the last, which waits for an operator."""
    run_id = ""
    for file, order_id, mode in (
        ("loyalty_refused.json", "order_loyalty_refused", Mode.ORCHESTRATION),
        ("order.json", "order_12345", Mode.CHOREOGRAPHY),
        ("order.json", "stuck_1", Mode.ORCHESTRATION),
    ):
        order = read_order(str(ROOT / "examples" / file)).model_copy(update={"order_id": order_id})
        placed = await place(on.client, mode, order, on.settings.task_queue)
        with SagaScreen(output, placed.run.id) as screen:
            await follow(on.client, placed.run, screen)
        run_id = placed.run.run_id or ""
    return run_id


if __name__ == "__main__":
    run(main)
