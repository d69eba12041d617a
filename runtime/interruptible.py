"""Handling of Ctrl-C during the imports of a program: it ends without a traceback.

Entry points import this module first, because importing the rest takes a second or more. Until
then, Python would answer Ctrl-C with the stack trace of an import.
"""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def as_exception() -> None:
    """Let an interrupt raise KeyboardInterrupt again; an ignored interrupt stays ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
