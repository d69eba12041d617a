"""``move-ledgers``: assign the ledgers to the connected Temporal namespace."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio.client import Client

from cli.errors import BadInput
from cli.output import Output
from messages.base import Line, Message
from messages.marks import DONE
from runtime.client import home_of
from runtime.exits import ExitCode
from services.ledger import LedgerUnavailable
from services.moving import move_ledgers as move


class Move(Message):
    """Decision of an operator to move the ledgers."""

    operator: Line
    note: Line


async def move_ledgers(
    client: Client, ledgers: Mapping[str, str], decision: Move, output: Output
) -> ExitCode:
    """Assign the ledgers to the connected namespace; succeed also if they were before.

    Raises:
        BadInput: a ledger does not exist or cannot be written.
    """
    home = await home_of(client)
    try:
        moved = move(ledgers, home, decision.operator, decision.note)
    except LedgerUnavailable as error:
        raise BadInput(str(error)) from None
    for service in ledgers:
        what = "serves this namespace from now on" if service in moved else "served it before"
        output.line(f"{DONE} the {service} ledger {what}", "green")
    output.line(
        "Leftovers of the other namespace's runs are not undone by themselves; run audit, and"
        " reconcile."
    )
    output.document({"moved": moved, **home._asdict()})
    return ExitCode.SUCCESS
