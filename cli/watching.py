"""``--watch`` of a list: it fills the terminal, and is shown again until Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import chain
from typing import NoReturn

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.segment import Segment, Segments
from rich.text import Text
from temporalio.service import RPCError, RPCStatusCode

from cli.errors import BadInput
from cli.output import Output

_WATCH_EVERY = 2.0
_GONE = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED)


async def watch(output: Output, picture: Callable[[], Awaitable[RenderableType]]) -> NoReturn:
    """Show the picture on the whole terminal, and a new one every two seconds.

    A server that does not answer is waited for: it may be restarted while somebody watches.

    Raises:
        BadInput: output that is not a terminal cannot be watched.
    """
    console = output.console
    if not console.is_terminal or output.as_json:
        raise BadInput("--watch needs a terminal; without it, the command shows the list once")
    shown = await picture()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(_fitted(shown, console), refresh=True)
            await asyncio.sleep(_WATCH_EVERY)
            try:
                shown = await picture()
            except RPCError as error:
                if error.status not in _GONE:
                    raise
                waiting = Text("the server does not answer (waiting for it)", "yellow")
                live.update(_fitted(Group(waiting, shown), console), refresh=True)


def _fitted(picture: RenderableType, console: Console) -> RenderableType:
    """Return what fits on the terminal, and the number of lines that do not."""
    lines = console.render_lines(picture, pad=False)
    if len(lines) <= console.height:
        return picture
    above = lines[: console.height - 1]
    left_off = Text(f"… {len(lines) - len(above)} more lines, without --watch", "dim")
    return Group(Segments(chain.from_iterable((*line, Segment.line()) for line in above)), left_off)
