"""How a command says that it cannot do what it was asked."""

from __future__ import annotations

from temporalio.exceptions import FailureError

from runtime.exits import ExitCode, FatalError, one_line

_LONGEST_LINE = 600
_LONGEST_REASON = 200


class BadInput(FatalError):
    """What was asked for makes no sense as it stands; nothing was done."""

    def __init__(self, problem: str) -> None:
        super().__init__(printable(problem))


class OperationRefused(FatalError):
    """The saga does not take the operation, or nobody was there to take it."""

    code = ExitCode.ROLLED_BACK

    def __init__(self, problem: str) -> None:
        super().__init__(printable(problem))


def printable(text: str) -> str:
    """The text without control characters and of bearable length, whatever was fed in."""
    line = "".join(c if c.isprintable() else " " for c in text).strip()
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"


def reason(error: BaseException) -> str:
    """Why something failed, as a part of a line."""
    said = error.message if isinstance(error, FailureError) else str(error)
    return brief(said) or type(error).__name__


def brief(text: str) -> str:
    """The text as a part of a line."""
    line = printable(one_line(text))
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}…"
