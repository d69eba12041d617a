"""``make chaos``: break everything, with orders in flight, and count what was lost.

Exit codes: 0 nothing was lost or doubled, 1 something was.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rich.table import Table

from cli.output import Output
from tests.chaos.chaos import Reckoning, run


class _Chosen(argparse.Namespace):
    seconds: float
    orders: int
    seed: int


def main() -> int:
    """Run it, and print the reckoning."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=240, help="of trouble")
    parser.add_argument("--orders", type=int, default=60, help="in each mode and batch")
    parser.add_argument("--seed", type=int, default=1, help="of the order of things")
    chosen = parser.parse_args(namespace=_Chosen())
    output = Output(as_json=False)
    with tempfile.TemporaryDirectory() as folder:
        reckoning = run(Path(folder), chosen.seconds, chosen.orders, chosen.seed, output.line)
    output.say(table(reckoning))
    for violation in reckoning.violations:
        output.line(f"✘ {violation}", "bold red")
    return 0 if reckoning.clean else 1


def table(reckoning: Reckoning) -> Table:
    """What was done, and what became of the orders."""
    shown = Table(box=None, padding=(0, 2), show_header=False)
    shown.add_column()
    shown.add_column(justify="right")
    for what, times in sorted(reckoning.done.items()):
        shown.add_row(what, str(times))
    shown.add_row("attempts that failed", str(reckoning.failed_attempts))
    shown.add_row("decisions by an operator", str(reckoning.decisions))
    shown.add_section()
    shown.add_row("orders", str(reckoning.orders), style="bold")
    shown.add_row("  with all effects", str(reckoning.stand), style="green")
    shown.add_row("lost", str(reckoning.lost), style="bold")
    shown.add_row("doubled", str(reckoning.doubled), style="bold")
    return shown


if __name__ == "__main__":
    raise SystemExit(main())
