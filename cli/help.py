"""Help texts of the command line, plain enough for a narrow terminal and for a file."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    # Typer has no public names for these two.
    from typer._click import Context, HelpFormatter

#: Longest line of a help text.
_WIDEST = 80
#: Width below which descriptions are below their options, not beside them.
_NARROW = 60


def width() -> int:
    """Return the width for help texts: that of the terminal, unless it is wider than a page."""
    return min(shutil.get_terminal_size().columns, _WIDEST)


def first_paragraph(command: Callable[..., object]) -> str:
    """Return the first paragraph of a command's docstring, for the list of all commands."""
    return " ".join((inspect.getdoc(command) or "").split("\n\n", 1)[0].split())


class Command(TyperCommand):
    """Command whose help fits into a narrow terminal."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """See base class."""
        _fit(formatter)
        super().format_options(ctx, formatter)


class Group(TyperGroup):
    """Group of commands whose help fits into a narrow terminal."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """See base class."""
        _fit(formatter)
        super().format_options(ctx, formatter)


def _fit(formatter: HelpFormatter) -> None:
    if formatter.width < _NARROW:
        stacked = partial(formatter.write_dl, col_max=formatter.indent_increment)
        formatter.write_dl = stacked  # type: ignore[method-assign]
