"""``inbox``: list of everything that waits for an operator, in both modes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone

from rich.console import Group, RenderableType
from rich.text import Text
from temporalio.client import Client

from cli.failing_runs import FailingRun, failing_runs, say_failing
from cli.leftovers import ParkedLeftover, parked_leftovers
from cli.letters import DeadLetter, dead_letters, say_letters
from cli.modes import Mode
from cli.output import Output
from cli.parked import ParkedOrder, parked_orders
from cli.paused import PausedRun, paused_runs, say_paused
from cli.reconcile import StoppedSearch, say_stopped, stopped_search
from cli.render import say_how_to_resolve
from cli.unreadable import Unreadable, describe_command, say_unreadable
from cli.watching import watch as watching
from messages.marks import DONE, WAITS
from messages.text import printable
from runtime.client import ensure_search_attribute
from runtime.exits import ExitCode


class ParkedEvent(DeadLetter):
    """Event that could not be delivered, as an entry of the inbox."""

    mode: Mode = Mode.CHOREOGRAPHY


InboxEntry = (
    ParkedOrder | ParkedEvent | ParkedLeftover | FailingRun | PausedRun | Unreadable | StoppedSearch
)


async def inbox(
    client: Client, task_queue: str, output: Output, *, watch: bool = False
) -> ExitCode:
    """List everything that waits, with the commands that resolve it; succeed when nothing waits.

    With ``watch``, show it again every two seconds until Ctrl-C.

    Raises:
        BadInput: output that is not a terminal cannot be watched.
    """
    await ensure_search_attribute(client)
    if watch:
        await watching(output, lambda: _picture(client, task_queue, output))
    entries = await _entries(client, task_queue, output)
    _show_all(entries, output)
    output.document(entries)
    return ExitCode.ROLLED_BACK if entries else ExitCode.SUCCESS


async def _picture(client: Client, task_queue: str, output: Output) -> RenderableType:
    picture = output.picture()
    entries = await _entries(client, task_queue, picture)
    now = datetime.now(timezone.utc)
    # The first line, because the terminal may be too small for the rest.
    title = Text(f"{now:%H:%M:%S} UTC: {len(entries)} in the inbox", "dim")
    _show_all(entries, picture)
    return Group(title, picture.shown())


def _show_all(entries: Sequence[InboxEntry], output: Output) -> None:
    for entry in entries:
        _show(entry, entries, output)
        output.line("")
    if not entries:
        output.line(f"{DONE} No order waits for an operator.", "green")


async def _entries(client: Client, task_queue: str, output: Output) -> list[InboxEntry]:
    failing = await failing_runs(client, task_queue, output)
    listed = {run.workflow_id for run in failing}
    orders = await parked_orders(client, task_queue)
    leftovers = await parked_leftovers(client, task_queue)
    letters = [
        ParkedEvent(**dict(letter)) if isinstance(letter, DeadLetter) else letter
        for letter in await dead_letters(client, task_queue)
    ]
    parked = [*orders, *leftovers, *letters]
    stopped = await stopped_search(client, task_queue)
    return [
        *(entry for entry in parked if _workflow_id(entry) not in listed),
        *failing,
        *await paused_runs(client, task_queue),
        *([stopped] if stopped else []),
    ]


def _workflow_id(entry: InboxEntry) -> str:
    return entry.delivery_id if isinstance(entry, ParkedEvent) else entry.workflow_id


def _show(entry: InboxEntry, entries: Sequence[InboxEntry], output: Output) -> None:
    if isinstance(entry, ParkedOrder):
        _show_order(entry, output)
    elif isinstance(entry, ParkedLeftover):
        _show_leftover(entry, entries, output)
    elif isinstance(entry, ParkedEvent):
        _show_letter(entry, output)
    elif isinstance(entry, FailingRun):
        say_failing(entry, output)
    elif isinstance(entry, PausedRun):
        say_paused(entry, output)
    elif isinstance(entry, StoppedSearch):
        say_stopped(entry.why, output)
    else:
        say_unreadable(entry, output)


def _show_order(order: ParkedOrder, output: Output) -> None:
    _headline(f"Order {order.order_id}", order.since, order.run_id, output)
    output.link(order.workflow_id, order.run_id)
    if order.saga is None:
        _say_problem(order, output)
        return
    output.line(f"  It turned back: {order.saga.error}")
    say_how_to_resolve(order.order_id, order.saga, output)


def _show_leftover(leftover: ParkedLeftover, entries: Sequence[InboxEntry], output: Output) -> None:
    what = f"What order {leftover.order_id} left behind"
    _headline(what, leftover.since, leftover.run_id, output)
    output.link(leftover.workflow_id)
    if leftover.saga is None:
        _say_problem(leftover, output)
        return
    if leftover.saga.error:
        output.sentence(f"  {printable(leftover.saga.error)}")
    waiting = Counter(e.order_id for e in entries if isinstance(e, ParkedOrder | ParkedLeftover))
    only_one = waiting[leftover.order_id] == 1
    name = leftover.order_id if only_one else leftover.workflow_id
    say_how_to_resolve(name, leftover.saga, output, leftover=True)


def _show_letter(letter: ParkedEvent, output: Output) -> None:
    _headline(f"An event of order {letter.order_id}", letter.since, letter.run_id, output)
    output.link(letter.delivery_id)
    if letter.blocks_order:
        output.line("  The order is open and waits for it.")
    else:
        output.line("  No open order waits for it.", "dim")
    say_letters([letter], output)


def _headline(what: str, since: datetime | None, run_id: str, output: Output) -> None:
    at = f" since {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
    output.line(printable(f"{what} waits{at}, run {run_id}"), "bold")


def _say_problem(entry: ParkedOrder | ParkedLeftover, output: Output) -> None:
    output.sentence(f"{WAITS} {entry.problem}", "bold red")
    output.line("  To look at it:")
    output.line(f"    {describe_command(entry.workflow_id)}")
