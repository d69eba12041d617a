"""End of an entry point: an exit code, and at most one line that says why."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import IntEnum
from typing import NoReturn

from temporalio.service import RPCError, RPCStatusCode

from messages.text import one_line
from runtime import interruptible

#: Shell convention for a program ended by a signal is 128 + its number.
INTERRUPTED = 128 + signal.SIGINT
PIPE_CLOSED = 128 + signal.SIGPIPE
#: A defect of this program; sysexits.h calls it EX_SOFTWARE.
DEFECT = 70

#: What a server says of a request that it will never take: too long an id, a namespace or a run
#: that is gone meanwhile. Any other error is the server's own trouble.
_REFUSED = {
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.ALREADY_EXISTS,
    RPCStatusCode.FAILED_PRECONDITION,
    RPCStatusCode.OUT_OF_RANGE,
    RPCStatusCode.UNIMPLEMENTED,
}


class ExitCode(IntEnum):
    """Exit code of a command."""

    SUCCESS = 0  #: done as asked
    ROLLED_BACK = 1  #: the order was rolled back, or the audit found a violation
    BAD_INPUT = 2  #: what was asked for cannot be done as it was asked
    NO_SERVER = 3  #: no Temporal server could be used


class FatalError(Exception):
    """Error that ends the program; its message is the one line that the user reads."""

    #: The code that the program ends with.
    code: ExitCode = ExitCode.BAD_INPUT


def run(main: Callable[[], Awaitable[int]]) -> NoReturn:
    """Run an entry point's main coroutine and leave with the code that it returns.

    A :class:`FatalError` becomes its message on standard error, without a traceback, and
    its code; so does a server lost on the way, with code 3, and one that refuses what it was
    asked, with code 2.
    """

    async def awaited() -> int:
        return await main()

    leave(guarded(lambda: asyncio.run(awaited())))


def guarded(main: Callable[[], int | None]) -> int:
    """Call an entry point; returns the exit code that its return or exception stands for."""
    try:
        interruptible.as_exception()
        return main() or ExitCode.SUCCESS
    except FatalError as error:
        _tell(str(error))
        return error.code
    except RPCError as error:
        if error.status in _REFUSED:
            _tell(f"the Temporal server refuses this: {one_line(error.message)}")
            return ExitCode.BAD_INPUT
        _tell(f"the Temporal server does not answer any more: {one_line(error.message)}")
        return ExitCode.NO_SERVER
    except SystemExit as leaving:
        return _code_of(leaving)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    except BrokenPipeError:
        return PIPE_CLOSED
    except Exception:
        return _defect()


def leave(code: int) -> NoReturn:
    """End the process at once with ``code``, everything printed.

    The SDK's own threads may still call into the interpreter while it is torn down, and
    crash it. Nothing here needs that teardown.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        # All that was to be done is done, whether or not somebody reads the last of it.
        with suppress(BrokenPipeError):
            if stream is not None:  # as it is when the program was started without
                stream.flush()
    os._exit(code)


def stop_requested() -> asyncio.Event:
    """Return an event that SIGINT, SIGTERM, or the terminal going away sets in this loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup means: stay when the terminal goes.
        if signal.getsignal(sign) is not signal.SIG_IGN or sign is not signal.SIGHUP:
            loop.add_signal_handler(sign, stop.set)
    return stop


def _tell(message: str) -> None:
    print(f"error: {one_line(message)}", file=sys.stderr)


def _defect() -> int:
    traceback.print_exc()
    return DEFECT


def _code_of(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return leaving.code or ExitCode.SUCCESS
    _tell(leaving.code)
    return ExitCode.ROLLED_BACK
