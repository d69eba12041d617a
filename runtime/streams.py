"""Standard output and error that ignore a closed pipe."""

from __future__ import annotations

import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def outlive_readers() -> None:
    """Drop output that nobody reads any more, instead of failing, as in ``status X | head -1``.

    The work and the exit code of a command must not depend on when its reader ends: an order
    that is being cancelled must be followed to its end.
    """
    sys.stdout = _ignoring_closed_pipe(sys.stdout)
    sys.stderr = _ignoring_closed_pipe(sys.stderr)


def _ignoring_closed_pipe(stream: TextIO) -> TextIO:
    if not isinstance(stream, TextIOWrapper):
        return stream  # it is None, or was replaced before
    stream.flush()
    return TextIOWrapper(
        BufferedWriter(_IgnoringClosedPipe(stream.fileno(), "wb", closefd=False)),
        encoding=stream.encoding,
        # A character that the terminal does not have becomes a question mark, not an error.
        errors="replace",
        line_buffering=stream.line_buffering,
    )


class _IgnoringClosedPipe(FileIO):
    """Stream whose reader may end first."""

    def write(self, data: ReadableBuffer, /) -> int:
        """See base class."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes
