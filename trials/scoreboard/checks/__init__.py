"""Checks, one for each of the classic saga bugs that docs/classic-bugs.md explains."""

from __future__ import annotations

from trials.scoreboard.checks.cancelling import (
    cancelled_in_a_timer,
    cancelled_while_undoing,
    late_by_cancel,
    late_event,
    swallowed,
)
from trials.scoreboard.checks.check import Check
from trials.scoreboard.checks.going_forward import (
    execution_timeout,
    late_by_time_out,
    registered_after,
    unprotected,
)
from trials.scoreboard.checks.messages import duplicate_and_reordered, partial_input, shared_keys
from trials.scoreboard.checks.remembering import (
    lost_ledger,
    placed_again,
    reset_while_parked,
    settled_by_hand,
    unreadable_reply,
)
from trials.scoreboard.checks.undoing import (
    closed_as_completed,
    forward_order,
    keyed_by_the_reply,
    looks_clean,
    not_retried,
    stops_the_others,
)

#: The rows of the scoreboard.
CHECKS: tuple[Check, ...] = (
    late_by_cancel,
    late_by_time_out,
    cancelled_while_undoing,
    cancelled_in_a_timer,
    swallowed,
    late_event,
    execution_timeout,
    unprotected,
    registered_after,
    shared_keys,
    partial_input,
    duplicate_and_reordered,
    forward_order,
    stops_the_others,
    looks_clean,
    not_retried,
    keyed_by_the_reply,
    closed_as_completed,
    settled_by_hand,
    placed_again,
    unreadable_reply,
    reset_while_parked,
    lost_ledger,
)
