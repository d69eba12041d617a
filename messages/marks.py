"""Status marks at the beginning of a line, the same in the terminal and in the Web UI."""

from __future__ import annotations

from collections.abc import Mapping

from messages.sagas import StepState

NOTHING = "○"  #: nothing has happened yet
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
