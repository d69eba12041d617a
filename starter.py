"""Command line: place orders, follow and repair them, and audit the ledgers."""

from __future__ import annotations

import runtime.interruptible  # noqa: F401 - must be first; its docstring says why

# isort: split
import asyncio
from collections.abc import Callable, Coroutine, Mapping

import typer

from cli.commands.customers import cancel, order, status
from cli.commands.operators import audit, inbox, move_ledgers, reconcile, resolve
from cli.commands.trying_out import demo, simulate
from cli.errors import BadInput
from cli.output import program
from runtime.exits import ExitCode, guarded, leave
from runtime.streams import outlive_readers

#: Commands by name, in the order of the help text. Each returns the exit code.
COMMANDS: Mapping[str, Callable[..., Coroutine[None, None, int]]] = {
    "order": order,
    "status": status,
    "cancel": cancel,
    "simulate": simulate,
    "inbox": inbox,
    "resolve": resolve,
    "audit": audit,
    "reconcile": reconcile,
    "move-ledgers": move_ledgers,
    "demo": demo,
}

app = typer.Typer(
    help="Orders as sagas on Temporal: each is completed or undone as a whole.",
    epilog="Exit codes: 0 done, 1 rolled back or refused or violation found, 2 bad input,"
    " 3 no Temporal server.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for name, command in COMMANDS.items():
    app.command(name)(command)


def main() -> None:
    """Run the command line, and exit with the command's exit code."""
    outlive_readers()
    leave(guarded(_parse_and_run))


def _parse_and_run() -> int:
    try:
        asked: Coroutine[None, None, int] | None = app(standalone_mode=False) or None
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        # Depending on its version, typer uses its own copy of click or the real one. The usage
        # errors of both have only this method in common.
        format_message = getattr(error, "format_message", None)
        if format_message is None:
            raise
        message = format_message().replace("Value error, ", "").rstrip(".")
        if message:
            raise BadInput(f"{message} (see {program('starter.py')} --help)") from None
        return ExitCode.BAD_INPUT  # no command was given, and typer has shown the help
    # Not within typer, which handles an interrupt and a closed pipe differently.
    return asyncio.run(asked) if asked else ExitCode.SUCCESS  # typer has shown the help


if __name__ == "__main__":
    main()
