"""Options and arguments that several commands take."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from cli.modes import Mode
from cli.operations.resolve import login_name


class ResolveAction(str, Enum):
    """Decisions on what cannot go on by itself."""

    #: Of a step that could not be undone …
    RETRY = "retry"
    MARK_RESOLVED = "mark_resolved"
    KEEP = "keep"
    #: … and of an event of a choreographed one.
    REPLAY = "replay"
    DISCARD = "discard"


def text(value: str | None) -> str | None:
    """Return a value from the command line.

    Raises:
        typer.BadParameter: the value is not UTF-8, so that no message can carry it.
    """
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise typer.BadParameter(f"{value!a} is not UTF-8 text") from None
    return value


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
    typer.Option(help="One workflow leads the services, or each reacts to the others' events."),
]
InWhichMode = Annotated[
    Mode | None,
    typer.Option(help="Where to look; by default in both.", show_default=False),
]
Deadline = Annotated[
    int | None,
    typer.Option(metavar="SECONDS", help="Give an order up and undo it after so long.", min=1),
]
Note = Annotated[str, typer.Option(help="What you did, and the evidence for it.", callback=text)]
Operator = Annotated[
    str,
    typer.Option(
        help="Who decides.", default_factory=login_name, show_default="login name", callback=text
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document; words for people go to stderr."),
]
