"""Search for an order by its id or by its workflow id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus

from cli.command_lines import command
from cli.errors import BadInput
from cli.modes import Mode
from cli.output import Output
from runs.descriptions import Handle, description, run_of


class FoundOrder(NamedTuple):
    """Order that was found, with its newest run."""

    order_id: str
    mode: Mode
    latest: WorkflowExecutionDescription
    #: The other mode, when the order was placed in both and the user named neither.
    also: Mode | None = None

    @property
    def is_open(self) -> bool:
        """True as long as the run is open."""
        return self.latest.status is WorkflowExecutionStatus.RUNNING

    def run(self, client: Client) -> Handle:
        """Return a handle on exactly this run, never on a later run of the same order."""
        return run_of(client, self.latest.id, self.latest.run_id)

    def say_which(self, output: Output) -> None:
        """Show that the order was also placed in the other mode, if it was."""
        if self.also is not None:
            output.line(
                f"Order {self.order_id} was placed in both modes; this is the run with --mode"
                f" {self.mode.value}. The other one:",
                "yellow",
            )
            output.line(f"  {command('status', self.order_id, '--mode', self.also.value)}")


async def find(client: Client, mode: Mode | None, named: str) -> FoundOrder:
    """Return the order with that id; of two, the open one, or else the newer one.

    Args:
        mode: the mode to search; None searches both.
        named: an order id or, if there is no such order, the workflow id of one.

    Raises:
        BadInput: there is no such order.
    """
    found = await find_if_any(client, mode, named)
    if found is not None:
        return found
    if mode is not None:
        elsewhere = await find_if_any(client, None, named)
        if elsewhere is not None:
            raise BadInput(f"order {named!r} was placed with --mode {elsewhere.mode.value}")
    raise BadInput(f"no order {named!r} was placed")


async def find_if_any(client: Client, mode: Mode | None, named: str) -> FoundOrder | None:
    """Return the order as :func:`find` does, but None when there is no such order."""
    modes = list(Mode) if mode is None else [mode]
    # An order's id may look like a workflow id, so it comes first.
    exact = await _known(client, modes, named)
    if exact:
        return exact
    for pasted in modes:
        order_id = pasted.order_id(named)
        if order_id != named:
            return await _known(client, [pasted], order_id)
    return None


async def _known(client: Client, modes: Sequence[Mode], order_id: str) -> FoundOrder | None:
    found = [
        FoundOrder(order_id, mode, latest)
        for mode in modes
        if (latest := await description(client, mode.saga_id(order_id))) is not None
    ]
    if not found:
        return None
    first, *others = sorted(found, key=lambda f: (f.is_open, f.latest.start_time), reverse=True)
    return first._replace(also=others[0].mode) if others else first
