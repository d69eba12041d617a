"""Errors by which a command says that it cannot do what it was asked."""

from __future__ import annotations

from messages.text import printable
from runtime.exits import ExitCode, FatalError


class BadInput(FatalError):
    """What was asked for makes no sense as it stands; nothing was done."""

    def __init__(self, problem: str) -> None:
        super().__init__(printable(problem))


class OperationRefused(FatalError):
    """The saga does not take the operation, or nobody was there to take it."""

    code = ExitCode.ROLLED_BACK

    def __init__(self, problem: str) -> None:
        super().__init__(printable(problem))
