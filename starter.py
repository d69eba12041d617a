"""The command line: place orders, look after them, prove that none was lost."""

from __future__ import annotations

import runtime.interruptible  # noqa: F401 - first, see there

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

#: By name, in the order of the help text. Each returns the exit code.
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
    help="Orders as sagas on Temporal: each happens completely, or is undone completely.",
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
    """Run the command line; leaves with the command's exit code."""
    outlive_readers()
    leave(guarded(_parse_and_run))


def _parse_and_run() -> int:
    try:
        asked: Coroutine[None, None, int] | None = app(standalone_mode=False) or None
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        # typer brings its own copy of click, or uses the real one, depending on its version;
        # only the method is common to both kinds of usage error.
        format_message = getattr(error, "format_message", None)
        if format_message is None:
            raise
        message = format_message().replace("Value error, ", "").rstrip(".")
        if message:
            raise BadInput(f"{message} (see {program('starter.py')} --help)") from None
        return ExitCode.BAD_INPUT  # without a command, help was shown already
    # Not within typer, which has ways of its own with an interrupt and a closed pipe.
    return asyncio.run(asked) if asked else ExitCode.SUCCESS  # it showed its help


if __name__ == "__main__":
    main()
