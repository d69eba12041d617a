"""Standard output and error that outlive their readers."""

from __future__ import annotations

import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def outlive_readers() -> None:
    """Drop from now on what nobody reads any more, instead of failing: ``status X | head -1``.

    What a command does, and the code that it ends with, must not depend on when its reader
    leaves: an order that is being cancelled has to be seen through to its end.
    """
    sys.stdout, sys.stderr = _outliving(sys.stdout), _outliving(sys.stderr)


def _outliving(stream: TextIO) -> TextIO:
    if not isinstance(stream, TextIOWrapper):
        return stream  # closed, or somebody else's already
    stream.flush()
    return TextIOWrapper(
        BufferedWriter(_Outliving(stream.fileno(), "wb", closefd=False)),
        encoding=stream.encoding,
        # A terminal that lacks a character gets a question mark, not a traceback.
        errors="replace",
        line_buffering=stream.line_buffering,
    )


class _Outliving(FileIO):
    """A file whose reader may leave."""

    def write(self, data: ReadableBuffer, /) -> int:
        """See base class."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes
