"""Errors of commands that cannot do what they were asked to do."""

from __future__ import annotations

from messages.text import printable
from runtime.exits import ExitCode, FatalError


class BadInput(FatalError):
    """The input is wrong, so the command did nothing."""

    def __init__(self, problem: str) -> None:
        super().__init__(printable(problem))


class OperationRefused(FatalError):
    """The saga refused the operation, or no worker answered."""

    code = ExitCode.ROLLED_BACK

    def __init__(self, problem: str) -> None:
        super().__init__(printable(problem))
