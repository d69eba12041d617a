"""``list``: orders with their status and age, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from temporalio.client import Client, WorkflowExecution

from cli.command_lines import shell_word
from cli.modes import Mode, mode_of
from cli.output import Output
from cli.watching import watch as watching
from messages.base import Message
from messages.statuses import ListedStatus
from messages.text import printable
from runs.orders import listed_status, orders_query, page_of
from runtime.client import ensure_search_attribute
from runtime.exits import ExitCode
from runtime.programs import program

_STYLES: dict[ListedStatus, str] = {
    "RUNNING": "cyan",
    "COMPENSATING": "yellow",
    "NEEDS_INTERVENTION": "bold red",
    "SUCCESS": "green",
    "FAILED": "yellow",
    "CANCELLED": "yellow",
    "TERMINATED": "red",
}


class ListedOrder(Message):
    """Run of an order in a list."""

    order_id: str
    mode: Mode
    status: ListedStatus
    workflow_id: str
    run_id: str
    placed_at: datetime
    #: None as long as the run is open.
    closed_at: datetime | None


class OrderPage(Message):
    """Page of a list, and the number of orders on all pages."""

    orders: tuple[ListedOrder, ...]
    page: int
    total: int


@dataclass(frozen=True)
class Choice:
    """Choice of the orders to list."""

    status: ListedStatus | None
    mode: Mode | None
    page: int
    limit: int

    def next_page(self) -> str:
        """Return the command that shows the next page."""
        words = ["list", "--page", str(self.page + 1), "--limit", str(self.limit)]
        words += ["--status", self.status] if self.status else []
        words += ["--mode", self.mode.value] if self.mode else []
        return f"{program('starter.py')} {' '.join(map(shell_word, words))}"


async def list_orders(
    client: Client, task_queue: str, choice: Choice, output: Output, *, watch: bool
) -> ExitCode:
    """Show a page of orders; with ``watch``, show it again every two seconds until Ctrl-C.

    Raises:
        BadInput: output that is not a terminal cannot be watched.
    """
    await ensure_search_attribute(client)
    if watch:
        await watching(output, lambda: _picture(client, task_queue, choice, output))
    listed = await _page(client, task_queue, choice)
    output.say(_table(listed, output))
    for line in _footer(listed, choice):
        output.line(line, "dim")
    output.document(listed)
    return ExitCode.SUCCESS


async def _picture(
    client: Client, task_queue: str, choice: Choice, output: Output
) -> RenderableType:
    listed = await _page(client, task_queue, choice)
    return Group(_table(listed, output), Text("\n".join(_footer(listed, choice)), "dim"))


async def _page(client: Client, task_queue: str, choice: Choice) -> OrderPage:
    types = [mode.workflow for mode in Mode if choice.mode in (None, mode)]
    query = orders_query(task_queue, types, choice.status)
    runs, total = await page_of(client, query, page=choice.page, size=choice.limit)
    return OrderPage(orders=tuple(map(_listed, runs)), page=choice.page, total=total)


def _listed(run: WorkflowExecution) -> ListedOrder:
    mode = mode_of(run.workflow_type)
    return ListedOrder(
        order_id=mode.order_id(run.id),
        mode=mode,
        status=listed_status(run),
        workflow_id=run.id,
        run_id=run.run_id,
        placed_at=run.start_time,
        closed_at=run.close_time,
    )


def _table(listed: OrderPage, output: Output) -> RenderableType:
    now = datetime.now(timezone.utc)
    if output.is_narrow:
        return Group(*(_stacked(order, now) for order in listed.orders))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("status", "age", "mode", "order"):
        table.add_column(column, justify="right" if column == "age" else "left")
    for order in listed.orders:
        status = Text(order.status, _STYLES[order.status])
        # Texts, because an order id may contain markup.
        cells = (age(now - order.placed_at), order.mode.value, printable(order.order_id))
        table.add_row(status, *map(Text, cells))
    return table


def _stacked(order: ListedOrder, now: datetime) -> Text:
    shown = Text(printable(order.order_id) + "\n")
    shown.append(f"  {order.status}", _STYLES[order.status])
    return shown.append(f" {age(now - order.placed_at)}")


def _footer(listed: OrderPage, choice: Choice) -> Sequence[str]:
    before = (choice.page - 1) * choice.limit
    if not listed.orders:
        return [f"None of {listed.total} orders is on this page." if before else "No such order."]
    last = before + len(listed.orders)
    shown = f"{before + 1} to {last} of {listed.total}"
    return [shown, f"  {choice.next_page()}"] if last < listed.total else [shown]


def age(since: timedelta) -> str:
    """Return a time span in its largest unit, such as ``3 min``."""
    seconds = max(0, int(since.total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
