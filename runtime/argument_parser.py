"""Parser for entry points that take few arguments or none."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from messages.text import one_line
from runtime.exits import ExitCode, leave
from runtime.programs import usage_name


class ArgumentParser(argparse.ArgumentParser):
    """Argument parser that reports an error in one line.

    It needs no handler around it, so it can parse before the program imports anything else.
    """

    def __init__(self, prog: str, description: str | None) -> None:
        super().__init__(
            prog=usage_name(prog),
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """End the program because its arguments are wrong."""
        self.exit(ExitCode.BAD_INPUT, f"error: {one_line(message)} (see {self.prog} --help)")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End the program."""
        if message is not None:
            print(message, file=sys.stderr)
        leave(status)
