"""Ctrl-C while a program is being imported ends it, without a traceback.

Entry points import this before anything that takes time. Importing the rest takes a second
or more, and Python would tell the interrupt as a stack trace of whatever it was reading.
"""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def as_exception() -> None:
    """From now on an interrupt is KeyboardInterrupt again; one that is ignored stays so."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
