"""Views of a saga, its results, and the requests that it receives."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Literal

from pydantic import Field

from messages.base import Line, Message, Resolution


class StepState(str, Enum):
    """State of one step of a saga."""

    PENDING = "pending"  #: not begun
    RUNNING = "running"  #: its action runs, or waits for its next retry
    SUCCESS = "success"  #: its effect stands
    FAILED = "failed"  #: it failed; an effect that it may have had is not undone yet
    COMPENSATING = "compensating"  #: its compensation runs, or waits for its next retry
    COMPENSATED = "compensated"  #: nothing of it stands
    #: waits for an operator: its compensation failed for good, or an event for it did, or its
    #: action did, which cannot be undone
    NEEDS_INTERVENTION = "needs_intervention"


class SagaStatus(str, Enum):
    """State of a saga as a whole; the search attribute has the last four values."""

    RUNNING = "RUNNING"  #: going forward
    SUCCESS = "SUCCESS"  #: closed; every effect stands
    COMPENSATING = "COMPENSATING"  #: undoing its steps
    NEEDS_INTERVENTION = "NEEDS_INTERVENTION"  #: open; an operator has to decide
    FAILED = "FAILED"  #: closed; a step failed and no effect stands
    CANCELLED = "CANCELLED"  #: closed; it was cancelled and no effect stands


class StepView(Message):
    """Step as the status query shows it."""

    name: str
    state: StepState = StepState.PENDING
    started_at: datetime | None = None
    ended_at: datetime | None = None
    #: Why the step failed.
    error: str | None = None
    #: Why its compensation failed.
    compensation_error: str | None = None
    #: Set when an operator settled the step.
    resolution: Resolution | None = None


class SagaView(Message):
    """Saga as the status query shows it."""

    saga_id: str
    status: SagaStatus
    steps: tuple[StepView, ...]
    started_at: datetime
    #: Time after which no step begins or continues; it ends with a step that cannot be undone.
    deadline: datetime
    #: Why the saga turned back.
    error: str | None = None


class EventRecord(Message):
    """Event as its order records it."""

    id: str
    type: str
    #: Id of the event that caused it; None for the first event.
    causation_id: str | None
    time: datetime
    #: Its reason, or a note that there was nothing to undo.
    about: str | None = None


class SagaSucceeded(Message):
    """Result of a saga in which every step took effect."""

    saga_id: str
    status: Literal["SUCCESS"] = "SUCCESS"
    completed_steps: int


class SagaRolledBack(Message):
    """Result of a saga that was rolled back: no effect stands."""

    saga_id: str
    status: Literal["FAILED", "CANCELLED"]
    #: The step that failed or was interrupted; None when no step was running.
    failed_step: str | None
    error: str
    #: Steps that were compensated, in the order of their compensations.
    compensated_steps: tuple[str, ...] = ()
    #: Steps that an operator recorded as undone by hand. The status query shows who, when and
    #: why.
    resolved_manually: tuple[str, ...] = ()


class CancelOrder(Message):
    """Customer's request to cancel the order."""

    reason: Line = "cancelled by the customer"


class ResolveCompensation(Message):
    """Operator's decision on a parked step: its compensation, or its action if that is final."""

    step: Annotated[str, Field(min_length=1, max_length=200)]
    #: ``keep``: the step's effect is right and stays. Allowed for leftovers, and for steps that
    #: cannot be undone.
    action: Literal["retry", "mark_resolved", "keep"]
    operator: Line
    #: What the operator did, and the evidence for it.
    note: Line
