"""Closing of a saga's run, for orchestration and choreography alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError

from messages import wire
from messages.sagas import SagaRolledBack


@dataclass(frozen=True)
class Turn:
    """Reason why a saga turned back; only the first one counts."""

    status: Literal["FAILED", "CANCELLED"]
    error: str
    #: The step that failed or was interrupted; None if no step was running.
    step: str | None
    #: Whether it was a native cancel: Temporal's own, not the customer's Update.
    natively: bool = False


def closing_failure(result: SagaRolledBack, *, natively: bool) -> ApplicationError | CancelledError:
    """Return the failure to raise when a saga has been rolled back.

    Its only detail is the result. A run that Temporal cancelled has to close as Canceled, and
    that status has no place for a result, so the result goes into the memo.
    """
    if natively:
        workflow.upsert_memo({wire.RESULT_MEMO: result})
        return CancelledError(headline(result))
    return ApplicationError(
        headline(result),
        result,
        type=wire.SAGA_CANCELLED if result.status == "CANCELLED" else wire.SAGA_ROLLED_BACK,
        non_retryable=True,
        # A rollback is a normal outcome. BENIGN keeps it out of the error logs and metrics.
        category=ApplicationErrorCategory.BENIGN,
    )


def no_input(what: str) -> ApplicationError:
    """Return the failure for a run or a message without the input that it needs."""
    return ApplicationError(
        what,
        type=wire.INVALID_INPUT,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )


def headline(result: SagaRolledBack) -> str:
    """Return the failure's message, which the Web UI shows without decoding a payload."""
    what = f"{result.failed_step}: {result.error}" if result.failed_step else result.error
    undone = ", ".join(result.compensated_steps) or "nothing"
    by_hand = ", ".join(result.resolved_manually)
    return f"{result.status} at {what}. Undone: {undone}." + (
        f" By hand: {by_hand}." if by_hand else ""
    )
