"""Options and arguments that several commands take."""

from __future__ import annotations

import os
from enum import Enum
from getpass import getuser
from typing import Annotated

import typer

from cli.modes import Mode


class ResolveAction(str, Enum):
    """Decision of an operator on something that cannot continue by itself."""

    #: Decisions on a step that could not be undone.
    RETRY = "retry"
    MARK_RESOLVED = "mark_resolved"
    KEEP = "keep"
    #: Decisions on an event of a choreographed order.
    REPLAY = "replay"
    DISCARD = "discard"


def text(value: str | None) -> str | None:
    """Return a value from the command line unchanged.

    Raises:
        typer.BadParameter: the value is not UTF-8, so no message can contain it.
    """
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise typer.BadParameter(f"{value!a} is not UTF-8 text") from None
    return value


def login_name() -> str:
    """Return the name of the user who is logged in, or the user id if there is no name."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


OrderId = Annotated[
    str,
    typer.Argument(
        metavar="ORDER_ID",
        help="The order's own id, or its workflow id from the Web UI.",
        callback=text,
    ),
]
InMode = Annotated[
    Mode,
    typer.Option(help="One workflow calls the services, or each service reacts to events."),
]
InWhichMode = Annotated[
    Mode | None,
    typer.Option(help="The mode to search; both by default.", show_default=False),
]
Deadline = Annotated[
    int | None,
    typer.Option(metavar="SECONDS", help="Undo an order that is not done after this time.", min=1),
]
Note = Annotated[str, typer.Option(help="What you did, and the evidence for it.", callback=text)]
Operator = Annotated[
    str,
    typer.Option(
        help="The person who decides.",
        default_factory=login_name,
        show_default="login name",
        callback=text,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document; text for people goes to stderr."),
]
Watch = Annotated[
    bool, typer.Option("--watch", help="Show it again every two seconds, until Ctrl-C.")
]
