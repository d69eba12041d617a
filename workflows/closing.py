"""How the run of a saga closes, whoever leads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NoReturn

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError

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


def close_as_rolled_back(result: SagaRolledBack, *, natively: bool) -> NoReturn:
    """End the run of a saga of which nothing stands any more.

    Raises:
        ApplicationError: always, with the result as its one detail …
        CancelledError: … or this, when Temporal cancelled the run.
    """
    if natively:
        # A run closed as Canceled has no place for a result of its own.
        workflow.upsert_memo({"result": result})
        raise CancelledError(headline(result))
    raise ApplicationError(
        headline(result),
        result,
        type="SagaCancelled" if result.status == "CANCELLED" else "SagaRolledBack",
        non_retryable=True,
        # Nothing is wrong with the workflow: it did what it is there for.
        category=ApplicationErrorCategory.BENIGN,
    )


def no_input(what: str) -> ApplicationError:
    """What a run that was started without its input fails with."""
    return ApplicationError(
        what,
        type="InvalidInput",
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )


def headline(result: SagaRolledBack) -> str:
    """What the Web UI shows of the closed run without opening a payload."""
    what = f"{result.failed_step}: {result.error}" if result.failed_step else result.error
    undone = ", ".join(result.compensated_steps) or "nothing"
    by_hand = ", ".join(result.resolved_manually)
    return f"{result.status} at {what}. Undone: {undone}." + (
        f" By hand: {by_hand}." if by_hand else ""
    )
