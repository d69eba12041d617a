"""Marks before a line that a person reads, the same in the terminal and in the Web UI."""

from __future__ import annotations

from collections.abc import Mapping

from messages.sagas import StepState

NOTHING = "○"  #: nothing has happened
RUNNING = "▶"
DONE = "✔"
FAILED = "✘"
UNDOING = "◀"
UNDONE = "↩"
WAITS = "⚠"  #: an operator has to decide

MARK_OF: Mapping[StepState, str] = {
    StepState.PENDING: NOTHING,
    StepState.RUNNING: RUNNING,
    StepState.SUCCESS: DONE,
    StepState.FAILED: FAILED,
    StepState.COMPENSATING: UNDOING,
    StepState.COMPENSATED: UNDONE,
    StepState.NEEDS_INTERVENTION: WAITS,
}
