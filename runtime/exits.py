"""Exit of an entry point: an exit code, and at most one line that says why."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from enum import IntEnum
from types import FrameType
from typing import Any, NoReturn

from messages.text import one_line
from runtime import interruptible

#: By convention of the shells, a program ended by a signal exits with 128 + its number.
INTERRUPTED = 128 + signal.SIGINT
PIPE_CLOSED = 128 + signal.SIGPIPE
#: Exit code for a defect of this program; sysexits.h calls it EX_SOFTWARE.
DEFECT = 70

#: Names of the answers to a request that the server will never accept, for example because an id
#: is too long or a run is gone. Any other error is a problem of the server.
_REFUSED = {
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "FAILED_PRECONDITION",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
}


class ExitCode(IntEnum):
    """Exit code of a command."""

    SUCCESS = 0  #: done as asked
    ROLLED_BACK = 1  #: the order was rolled back, or the audit found a violation
    BAD_INPUT = 2  #: the input or a setting is wrong
    NO_SERVER = 3  #: no Temporal server could be used


class FatalError(Exception):
    """Error that ends the program; its message is the one line that the user sees."""

    #: Exit code of the program.
    code: ExitCode = ExitCode.BAD_INPUT


def run(
    main: Callable[[], Awaitable[int]],
    on_loop: Callable[[Coroutine[Any, Any, int]], int] = asyncio.run,
) -> NoReturn:
    """Run an entry point's main coroutine and exit with the code that it returns.

    A :class:`FatalError` prints its message to standard error, without a traceback, and exits
    with its code. The same holds for a server that is lost meanwhile, with code 3, and for a
    server that refuses a request, with code 2.

    Args:
        on_loop: runs the coroutine on an event loop.
    """

    async def awaited() -> int:
        return await main()

    leave(guarded(lambda: on_loop(awaited())))


def guarded(main: Callable[[], int | None]) -> int:
    """Call an entry point, and return its exit code or the one for its exception."""
    try:
        interruptible.as_exception()
        _exit_when_told_to()
        return main() or ExitCode.SUCCESS
    except FatalError as error:
        _tell(str(error))
        return error.code
    except SystemExit as leaving:
        return _code_of(leaving)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    except BrokenPipeError:
        return PIPE_CLOSED
    except Exception as error:
        return _unexpected(error)


def _exit_when_told_to() -> None:
    """Let SIGTERM and the loss of the terminal end the program as an exit does.

    By default they end it at once, and the server and the workers that it has started go on.
    """

    def leave_in_order(number: int, _frame: FrameType | None) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)  # repeated, it would interrupt the leaving itself
        raise SystemExit(128 + number)

    for sign in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(sign) is signal.SIG_DFL:
            signal.signal(sign, leave_in_order)


def leave(code: int) -> NoReturn:
    """Print all buffered output and end the process at once with ``code``.

    The SDK's own threads may still call into the interpreter while it shuts down, and crash
    it. Nothing here needs a regular shutdown.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        # The work is done, whether or not the last output is read.
        with suppress(BrokenPipeError):
            if stream is not None:  # None if the program was started without it
                stream.flush()
    os._exit(code)


def stop_requested() -> asyncio.Event:
    """Return an event that is set by SIGINT, SIGTERM or the loss of the terminal."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup means that the program stays when the terminal is closed.
        if signal.getsignal(sign) is not signal.SIG_IGN or sign is not signal.SIGHUP:
            loop.add_signal_handler(sign, stop.set)
    return stop


def _tell(message: str) -> None:
    print(f"error: {one_line(message)}", file=sys.stderr)


def _unexpected(error: Exception) -> int:
    # Most programs that end here have imported the SDK anyway; the help of a command has not.
    from temporalio.service import RPCError

    if not isinstance(error, RPCError):
        traceback.print_exception(error)
        return DEFECT
    if error.status.name in _REFUSED:
        _tell(f"the Temporal server refuses this: {one_line(error.message)}")
        return ExitCode.BAD_INPUT
    _tell(f"the Temporal server does not answer any more: {one_line(error.message)}")
    return ExitCode.NO_SERVER


def _code_of(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return leaving.code or ExitCode.SUCCESS
    _tell(leaving.code)
    return ExitCode.ROLLED_BACK
