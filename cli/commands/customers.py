"""Commands of a customer: place an order, see its state, cancel it."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands.options import AsJson, Deadline, InMode, InWhichMode, OrderId, text
from cli.connection import connected
from cli.forgotten import placed_before
from cli.modes import Mode
from cli.operations.cancel import cancel as cancel_order
from cli.operations.status import status as show_status
from cli.order_file import read_order, valid
from cli.output import Output
from cli.placing import is_known_to_stand, leave_alone, place_once, see_through
from messages.sagas import CancelOrder
from settings import read_settings


async def order(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE|-", help="The order as JSON; - reads standard input."),
    ],
    deadline: Deadline = None,
    wait: Annotated[
        bool,
        typer.Option("--wait/--no-wait", help="Watch the order to its end, or only place it."),
    ] = True,
    mode: InMode = Mode.ORCHESTRATION,
    as_json: AsJson = False,
) -> int:
    """Place an order and watch it to its end.

    Placing the same order again does no harm: the command finds the run that is open or has
    succeeded. If the order failed, a new run is started.
    """
    output = Output(as_json=as_json)
    the_order = read_order(file, deadline)
    settings = read_settings()
    client = await connected(settings)
    if not await is_known_to_stand(client, the_order.order_id):
        known = await placed_before(client, settings.ledger_urls(), the_order, output)
        if known is not None:
            return known
    placed = await place_once(client, mode, the_order, settings.task_queue)
    if wait:
        return await see_through(client, the_order, placed, output)
    return leave_alone(the_order, placed, output)


async def status(order_id: OrderId, mode: InWhichMode = None, as_json: AsJson = False) -> int:
    """Show the steps of an order, or how it ended."""
    settings = read_settings()
    output = Output(as_json=as_json)
    client = await connected(settings)
    return await show_status(client, mode, order_id, settings.ledger_urls(), output)


async def cancel(
    order_id: OrderId,
    reason: Annotated[
        str, typer.Option(help="The reason; it is kept with the order.", callback=text)
    ] = "cancelled by the customer",
    mode: InWhichMode = None,
    as_json: AsJson = False,
) -> int:
    """Cancel an order and watch until it is undone."""
    request = valid(CancelOrder, reason=reason)
    output = Output(as_json=as_json)
    client = await connected(read_settings())
    return await cancel_order(client, mode, order_id, request, output)
