"""Conflicts of transactions, after which a database has rolled one of them back.

Such a transaction has certainly left nothing behind, so it can be run again at once. Nothing else
is: if a connection breaks, its commit may have happened; and whoever has waited in vain for a
lock, or for a statement, would hold its thread for as long again. Temporal retries those, with a
pause, under the same key.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import OperationalError

T = TypeVar("T")

#: PostgreSQL's serialization_failure and deadlock_detected.
_ROLLED_BACK = ("40001", "40P01")
#: The first pause ends within so many seconds, each further one within twice as many.
_PAUSE = 0.01
_ATTEMPTS = 6
#: SQLite answers at once if it sees that waiting is of no use; otherwise it has waited before.
_AT_ONCE = 1.0


def retried(transaction: Callable[[], T]) -> T:
    """Run a transaction, and again if it was in conflict with another one.

    Raises:
        OperationalError: the last of so many attempts was in conflict, or anything else was wrong.
    """
    for attempt in range(1, _ATTEMPTS):
        begun = time.monotonic()
        try:
            return transaction()
        except OperationalError as error:
            if not _is_conflict(error, time.monotonic() - begun):
                raise
        # Whoever met once does not meet again.
        time.sleep(random.uniform(0, _PAUSE * 2**attempt))
    return transaction()


def _is_conflict(error: OperationalError, seconds: float) -> bool:
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate is not None:
        return sqlstate in _ROLLED_BACK
    return "is locked" in str(error.orig) and seconds < _AT_ONCE
