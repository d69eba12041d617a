"""Parser for entry points that take few arguments or none."""

from __future__ import annotations

import argparse
from typing import NoReturn

from runtime.exits import FatalError
from runtime.programs import usage_name


class ArgumentParser(argparse.ArgumentParser):
    """Argument parser that reports an error in one line."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(
            prog=usage_name(prog),
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """End the program because its arguments are wrong.

        Raises:
            FatalError: always; its message names the problem.
        """
        raise FatalError(f"{message} (see {self.prog} --help)")
