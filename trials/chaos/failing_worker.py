"""Worker of the product that fails exactly where the chaos commands it.

``CHAOS_FAILPOINTS`` names the folder that it is told by, ``CHAOS_LOCK_MS`` how long it waits for a
locked ledger: as long as the product does when it is absent.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, event

import worker
from messages.base import Command, Reversal
from runtime.exits import run
from runtime.logs import log_to_terminal
from services.fence import A, C, Fence
from tests.harness.policies import changed_policies
from trials.chaos.failpoints import Failpoints, Point

_LONGEST_PAUSE = 3.0

_failpoints = Failpoints(Path(os.environ["CHAOS_FAILPOINTS"]))
_act, _undo = Fence.act, Fence.undo
#: Operations whose effect this process has written, but whose reply it has not sent.
_unanswered: set[str] = set()


def _acting(self: Fence, request: C, answer: A, effect: Callable[[Connection, C, A], None]) -> A:
    """Act as the product does, and die where it is commanded, such as in the open transaction."""

    def then_die(tx: Connection, request: C, answer: A) -> None:
        effect(tx, request, answer)
        _failpoints.meet(Point.WRITTEN)
        _unanswered.add(request.idempotency_key)

    _failpoints.meet(Point.BEFORE)
    given = _act(self, request, answer, then_die)
    _committed(request)
    return given


def _undoing(self: Fence, request: C, effect: Callable[[Connection, C], None]) -> Reversal:
    def then_die(tx: Connection, request: C) -> None:
        effect(tx, request)
        _failpoints.meet(Point.UNWRITTEN)
        _unanswered.add(request.idempotency_key)

    reversal = _undo(self, request, then_die)
    _committed(request)
    return reversal


def _committed(request: Command) -> None:
    if request.idempotency_key in _unanswered:
        _unanswered.discard(request.idempotency_key)
        _failpoints.meet(Point.COMMITTED)


def _protect(connection: Connection) -> None:
    """Make each connection refuse to write to a protected file.

    File permissions are not enough: root may write in spite of them, and so may a process that
    has the file open. PostgreSQL protects a database itself.
    """
    protected = _failpoints.protects(Path(connection.engine.url.database or "").stem)
    if protected or connection.info.pop("protected", False):
        connection.exec_driver_sql(f"PRAGMA query_only = {protected}")
        connection.info["protected"] = protected


def _be_impatient(connection: Connection) -> None:
    """Make each transaction wait for a lock only so long."""
    setting = "PRAGMA busy" if connection.dialect.name == "sqlite" else "SET lock"
    connection.exec_driver_sql(f"{setting}_timeout = {int(os.environ['CHAOS_LOCK_MS'])}")


if __name__ == "__main__":
    Fence.act, Fence.undo = _acting, _undoing  # type: ignore[method-assign]
    event.listen(Engine, "begin", _protect)
    if "CHAOS_LOCK_MS" in os.environ:
        event.listen(Engine, "begin", _be_impatient)
    log_to_terminal()
    # Retries go on as long as ever, but do not pause until long after the trouble.
    with changed_policies(longest_pause=_LONGEST_PAUSE):
        run(worker.main)
