"""Parser of the arguments of entry points that take few of them, or none."""

from __future__ import annotations

import argparse
from typing import NoReturn

from runtime.exits import FatalError


class ArgumentParser(argparse.ArgumentParser):
    """An argument parser that tells what is wrong in one line."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """End the program because of its arguments.

        Raises:
            FatalError: says what is wrong with them.
        """
        raise FatalError(f"{message} (see {self.prog} --help)")
