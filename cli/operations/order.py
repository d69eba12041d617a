"""``order``: place an order once, and follow it."""

from __future__ import annotations

from cli.forgotten import placed_before
from cli.modes import Mode
from cli.placing import is_known_to_stand, leave_alone, place_once, see_through
from cli.session import Session
from messages.orders import Order
from runtime.exits import ExitCode


async def order(session: Session, mode: Mode, the_order: Order, *, wait: bool) -> ExitCode:
    """Place the order, unless it was placed before; then follow it, if ``wait`` is true.

    Raises:
        BadInput: an order with that id and other content was placed before.
        OperationRefused: some effects of an earlier run still stand.
    """
    settings, client, output = session
    if not await is_known_to_stand(client, the_order.order_id):
        known = await placed_before(client, settings.ledger_urls(), the_order, output)
        if known is not None:
            return known
    placed = await place_once(client, mode, the_order, settings.task_queue)
    if wait:
        return await see_through(client, the_order, placed, output)
    return leave_alone(the_order, placed, output)
