"""Programs that the installed command runs: in a checkout they are started as modules."""

from __future__ import annotations

import sys
from runpy import run_module
from typing import Annotated

import typer

#: All arguments, also those that look like options, because the program reads them itself.
PASSED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}

Arguments = Annotated[list[str] | None, typer.Argument(metavar="[ARGS]...", show_default=False)]


def worker(arguments: Arguments = None) -> None:
    """Run a worker, until Ctrl-C."""
    _run("worker", arguments)


def server(arguments: Arguments = None) -> None:
    """Run the embedded Temporal server with its Web UI, until Ctrl-C."""
    _run("runtime", arguments)


def codec(arguments: Arguments = None) -> None:
    """Decrypt payloads for the Web UI and Temporal's CLI, until Ctrl-C."""
    _run("runtime.codec_server", arguments)


def _run(module: str, arguments: list[str] | None) -> None:
    # It ends the process, with an exit code of its own.
    sys.argv = [module, *(arguments or ())]
    run_module(module, run_name="__main__", alter_sys=True)
