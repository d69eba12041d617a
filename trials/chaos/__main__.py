"""Command ``make chaos``: cause faults of every kind with orders in flight, and count losses.

Exit codes: 0 no effect was lost or doubled, 1 one was.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from cli.output import Output
from runtime.exits import guarded, leave
from trials.chaos.chaos import Chaos, run
from trials.chaos.disturbances import is_crash

_ENCRYPTED = "payloads are encrypted, and Temporal's database must have no word of an order"
_POSTGRES = "the ledgers are databases of a PostgreSQL server, which has faults of its own"


class _Chosen(argparse.Namespace):
    seconds: float
    orders: int
    seed: int
    fast_path: bool
    encrypted: bool
    postgres: bool


def main() -> int:
    """Run the chaos, and print the result."""
    parser = argparse.ArgumentParser(prog="python -m trials.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=240, help="of trouble")
    parser.add_argument("--orders", type=int, default=60, help="in each mode and batch")
    parser.add_argument("--seed", type=int, default=1, help="of the order of things")
    parser.add_argument("--fast-path", action="store_true", help="workers take the fast path")
    parser.add_argument("--encrypted", action="store_true", help=_ENCRYPTED)
    parser.add_argument("--postgres", action="store_true", help=_POSTGRES)
    chosen = parser.parse_args(namespace=_Chosen())
    output = Output(as_json=False)
    with tempfile.TemporaryDirectory() as folder:
        chaos = run(
            Path(folder),
            chosen.seconds,
            chosen.orders,
            chosen.seed,
            output.line,
            fast_path=chosen.fast_path,
            encrypted=chosen.encrypted,
            postgres=chosen.postgres,
        )
    output.say(table(chaos))
    found = chaos.reckoning
    for what, orders in (("lost", found.lost), ("doubled", found.doubled)):
        for order, problems in orders.items():
            output.line(f"✘ {what}: {order}: {'; '.join(problems)}", "bold red")
    for violation in found.violations:
        output.line(f"✘ audit: {violation}", "bold red")
    return 0 if found.clean else 1


def table(chaos: Chaos) -> Table:
    """Return a table of the faults caused and of the orders' outcomes."""
    shown = Table(box=None, padding=(0, 2), show_header=False)
    shown.add_column()
    shown.add_column(justify="right")
    _add(shown, "crashes", {kind: n for kind, n in chaos.done.items() if is_crash(kind)})
    faults = {kind: n for kind, n in chaos.done.items() if not is_crash(kind)}
    _add(shown, "faults injected", {**faults, "by the fault plan": chaos.planned})
    for kind in chaos.impossible:
        shown.add_row(f"  {kind}", "not here", style="yellow")
    shown.add_row("decisions by an operator", str(chaos.decisions))
    _add(shown, "orders", chaos.reckoning.ends)
    shown.add_row("lost", str(len(chaos.reckoning.lost)), style="bold")
    shown.add_row("doubled", str(len(chaos.reckoning.doubled)), style="bold")
    return shown


def _add(shown: Table, what: str, numbers: Mapping[str, int]) -> None:
    shown.add_row(what, str(sum(numbers.values())), style="bold")
    for name, number in sorted(numbers.items(), key=lambda row: row[0].casefold()):
        shown.add_row(f"  {name}", str(number))


if __name__ == "__main__":
    leave(guarded(main))
