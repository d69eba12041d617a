"""Closing of the run of a saga, whoever leads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError

from messages import wire
from messages.sagas import SagaRolledBack


@dataclass(frozen=True)
class Turn:
    """Reason why a saga turned back; the first one counts."""

    status: Literal["FAILED", "CANCELLED"]
    error: str
    #: The step that failed or was interrupted, if one was under way.
    step: str | None
    #: Whether Temporal itself cancelled the run.
    natively: bool = False


def closing_failure(result: SagaRolledBack, *, natively: bool) -> ApplicationError | CancelledError:
    """Return the failure to raise at the end of a saga of which nothing stands any more.

    Its one detail is the result. A run that Temporal cancelled closes as Canceled, which has no
    place for a result: that is left in the memo.
    """
    if natively:
        workflow.upsert_memo({wire.RESULT_MEMO: result})
        return CancelledError(headline(result))
    return ApplicationError(
        headline(result),
        result,
        type=wire.SAGA_CANCELLED if result.status == "CANCELLED" else wire.SAGA_ROLLED_BACK,
        non_retryable=True,
        # Nothing is wrong with the workflow: it did what it is there for.
        category=ApplicationErrorCategory.BENIGN,
    )


def no_input(what: str) -> ApplicationError:
    """Return the failure of a run that was started without its input."""
    return ApplicationError(
        what,
        type=wire.INVALID_INPUT,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )


def headline(result: SagaRolledBack) -> str:
    """Return what the Web UI shows of the closed run without opening a payload."""
    what = f"{result.failed_step}: {result.error}" if result.failed_step else result.error
    undone = ", ".join(result.compensated_steps) or "nothing"
    by_hand = ", ".join(result.resolved_manually)
    return f"{result.status} at {what}. Undone: {undone}." + (
        f" By hand: {by_hand}." if by_hand else ""
    )
