"""Commands of a customer: place an order, see its state, cancel it."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands.options import AsJson, Deadline, InMode, InWhichMode, OrderId, text
from cli.modes import Mode


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
    from cli.operations.order import order as place_order
    from cli.order_file import read_order
    from cli.session import Session

    the_order = read_order(file, deadline)
    session = await Session.open(as_json=as_json)
    return await place_order(session, mode, the_order, wait=wait)


async def status(
    order_id: OrderId,
    mode: InWhichMode = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow an open order until it ends or waits for you.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Show the steps of an order, or how it ended."""
    from cli.operations.status import status as show_status
    from cli.session import Session

    settings, client, output = await Session.open(as_json=as_json)
    ledgers = settings.ledger_urls()
    return await show_status(client, mode, order_id, ledgers, output, watch=watch)


async def cancel(
    order_id: OrderId,
    reason: Annotated[
        str, typer.Option(help="The reason; it is kept with the order.", callback=text)
    ] = "cancelled by the customer",
    mode: InWhichMode = None,
    as_json: AsJson = False,
) -> int:
    """Cancel an order and watch until it is undone."""
    from cli.operations.cancel import cancel as cancel_order
    from cli.order_file import valid
    from cli.session import Session
    from messages.sagas import CancelOrder

    request = valid(CancelOrder, reason=reason)
    _, client, output = await Session.open(as_json=as_json)
    return await cancel_order(client, mode, order_id, request, output)
