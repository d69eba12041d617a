"""Command line: place orders, follow and repair them, and audit the ledgers."""

from __future__ import annotations

import runtime.interruptible  # noqa: F401 - must be first; its docstring says why

# isort: split
import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated

import typer

from cli.commands.customers import cancel, order, status
from cli.commands.operators import (
    audit,
    inbox,
    list_orders,
    move_ledgers,
    reconcile,
    resolve,
    upgrade_ledgers,
)
from cli.commands.programs import PASSED_ON, codec, server, worker
from cli.commands.trying_out import demo, simulate
from cli.errors import BadInput
from cli.help import Command, Group, first_paragraph, width
from runtime.exits import ExitCode, guarded, leave
from runtime.programs import INSTALLED, __version__, program
from runtime.streams import outlive_readers

#: Commands by name, in the order of the help text. Each returns the exit code.
COMMANDS: Mapping[str, Callable[..., Coroutine[None, None, int]]] = {
    "order": order,
    "status": status,
    "list": list_orders,
    "cancel": cancel,
    "simulate": simulate,
    "inbox": inbox,
    "resolve": resolve,
    "audit": audit,
    "reconcile": reconcile,
    "move-ledgers": move_ledgers,
    "upgrade-ledgers": upgrade_ledgers,
    "demo": demo,
}

app = typer.Typer(
    help="Orders as sagas on Temporal: each is completed or undone as a whole.",
    epilog="Exit codes: 0 done, 1 rolled back or refused or violation found, 2 bad input,"
    " 3 no Temporal server.",
    add_completion=INSTALLED,
    rich_markup_mode=None,  # its boxes cannot be read in a narrow terminal
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "terminal_width": width()},
    cls=Group,
)
for name, command in COMMANDS.items():
    app.command(name, cls=Command, short_help=first_paragraph(command))(command)
if INSTALLED:
    for hosted in (worker, server, codec):
        short = first_paragraph(hosted)
        app.command(
            cls=Command, short_help=short, context_settings=PASSED_ON, add_help_option=False
        )(hosted)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"order-saga {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", is_eager=True, callback=_show_version
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line, and exit with the command's exit code."""
    outlive_readers()
    leave(guarded(_parse_and_run))


def _parse_and_run() -> int:
    arguments = sys.argv[1:]
    asked = _parsed(arguments or ["--help"])
    if not arguments:
        return ExitCode.BAD_INPUT
    # A number is the exit code of typer itself: it has shown the help, or was interrupted. The
    # command does not run within typer, which handles an interrupt and a closed pipe differently.
    return asked if isinstance(asked, int) else asyncio.run(asked)


def _parsed(arguments: list[str]) -> Coroutine[None, None, int] | int:
    try:
        asked: Coroutine[None, None, int] | int = app(arguments, standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        # Depending on its version, typer uses its own copy of click or the real one. The usage
        # errors of both have only these two names in common.
        format_message = getattr(error, "format_message", None)
        if format_message is None:
            raise
        message = format_message().replace("Value error, ", "").rstrip(".")
        raise BadInput(f"{message} (see {_help_of(getattr(error, 'ctx', None))})") from None
    return asked


def _help_of(context: typer.Context | None) -> str:
    """Return the command line that shows the help of the command that was meant."""
    command = f" {context.info_name}" if context is not None and context.parent else ""
    return f"{program('starter.py')}{command} --help"


if __name__ == "__main__":
    main()
