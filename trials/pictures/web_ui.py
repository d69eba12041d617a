"""Pictures of Temporal's Web UI: what an operator sees of orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from trials.pictures.browser import Browser

SIZE = (1280, 1500)
#: Left of it is the menu, which is the same on each page.
_MENU = 256
_QUERY = quote('WorkflowType IN ("OrderSaga", "OrderChoreography")')


class Shown(NamedTuple):
    """Picture of one page."""

    file: str
    #: Path below that of the namespace's workflows.
    path: str
    #: Texts that the page shows when it is complete.
    texts: Sequence[str]
    #: Vertical range of the picture.
    top: int
    bottom: int


async def take(page: Browser, workflows: str, parked_run: str) -> Mapping[str, bytes]:
    """Take all pictures, and return them by file name.

    Args:
        workflows: the address of the list of workflows.
        parked_run: the run id of the order that waits for an operator.
    """
    taken = {}
    for shown in _pictures(parked_run):
        await page.go(workflows + shown.path, *shown.texts)
        taken[shown.file] = await page.picture(
            x=_MENU, y=shown.top, width=SIZE[0] - _MENU, height=shown.bottom - shown.top
        )
    return taken


def _pictures(parked_run: str) -> Sequence[Shown]:
    done = ("cancel_shipment", "refund_payment", "release_inventory", "reserve_inventory")
    parked = f"/order_saga_stuck_1/{parked_run}/user-metadata"
    listed = ("order_saga_stuck_1", "saga_order_12345")
    return (
        Shown("list.png", f"?query={_QUERY}", listed, 56, 560),
        Shown("rolled-back.png", "/order_saga_order_loyalty_refused", done, 70, 1040),
        Shown("parked.png", parked, ("starter.py inbox", "needs_intervention"), 70, 760),
        Shown("choreographed.png", "/saga_order_12345", ("receive_event", "publish"), 70, 1085),
    )
