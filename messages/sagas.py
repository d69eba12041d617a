"""Views of a saga, its results, and the messages that it takes."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Literal

from pydantic import Field

from messages.base import Line, Message, Resolution


class StepState(str, Enum):
    """State of one step of a saga."""

    PENDING = "pending"  #: not begun
    RUNNING = "running"  #: its action is under way, or waits for its next retry
    SUCCESS = "success"  #: its effect stands
    FAILED = "failed"  #: it failed; what it may have left behind is not undone yet
    COMPENSATING = "compensating"  #: its compensation is under way
    COMPENSATED = "compensated"  #: nothing of it stands
    NEEDS_INTERVENTION = "needs_intervention"  #: its compensation failed for good


class SagaStatus(str, Enum):
    """State of a saga as a whole; the search attribute has the last four values."""

    RUNNING = "RUNNING"  #: going forward
    SUCCESS = "SUCCESS"  #: closed; every effect stands
    COMPENSATING = "COMPENSATING"  #: undoing
    NEEDS_INTERVENTION = "NEEDS_INTERVENTION"  #: open; an operator has to decide
    FAILED = "FAILED"  #: closed; a step failed and no effect stands
    CANCELLED = "CANCELLED"  #: closed; cancelled from outside and no effect stands


class StepView(Message):
    """One step as the status query shows it."""

    name: str
    state: StepState = StepState.PENDING
    started_at: datetime | None = None
    ended_at: datetime | None = None
    #: Why the step failed.
    error: str | None = None
    #: Why its compensation failed, when it did.
    compensation_error: str | None = None
    #: Set when an operator, not the compensation, undid the step.
    resolution: Resolution | None = None


class SagaView(Message):
    """A saga as the status query shows it."""

    saga_id: str
    status: SagaStatus
    steps: tuple[StepView, ...]
    started_at: datetime
    #: No step begins or goes on after this instant.
    deadline: datetime
    #: Why the saga turned back.
    error: str | None = None


class EventRecord(Message):
    """An event, as the order that it is about remembers it."""

    id: str
    type: str
    #: Id of the event in answer to which it happened; None for the first one.
    causation_id: str | None
    time: datetime
    #: What it says beside its type: why, or that there was nothing to undo.
    about: str | None = None


class SagaSucceeded(Message):
    """Every step took effect."""

    saga_id: str
    status: Literal["SUCCESS"] = "SUCCESS"
    completed_steps: int


class SagaRolledBack(Message):
    """Nothing stands: each step that may have taken effect was undone."""

    saga_id: str
    status: Literal["FAILED", "CANCELLED"]
    #: The step that failed or was interrupted; None when none was under way.
    failed_step: str | None
    error: str
    #: Steps that their compensation undid, in the order in which it did.
    compensated_steps: tuple[str, ...] = ()
    #: Steps that an operator recorded as undone by hand; who, when and why is in the status.
    resolved_manually: tuple[str, ...] = ()


class CancelOrder(Message):
    """A customer takes the order back."""

    reason: Line = "cancelled by the customer"


class ResolveCompensation(Message):
    """An operator decides what becomes of a compensation that failed for good."""

    step: Annotated[str, Field(min_length=1, max_length=200)]
    #: ``keep``: its effect is right and stays; only of what a run left behind.
    action: Literal["retry", "mark_resolved", "keep"]
    operator: Line
    #: What was done, and the evidence for it.
    note: Line
