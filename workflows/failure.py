"""Failures of activities: their cause, and what they say about the effect."""

from __future__ import annotations

import asyncio
from collections.abc import Container

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    RetryState,
    TimeoutError,
    TimeoutType,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from messages.failures import REFUSAL
    from messages.text import shortened

_TIMEOUTS = {
    TimeoutType.START_TO_CLOSE: "no answer within the time limit of one attempt",
    TimeoutType.SCHEDULE_TO_START: "no worker picked it up in time",
    TimeoutType.SCHEDULE_TO_CLOSE: "no answer within the time limit of all attempts",
    TimeoutType.HEARTBEAT: "its worker sent no heartbeat in time",
}

# The text goes into the closing failure, which Temporal limits in size.
_LONGEST = 2000


def root_cause(error: BaseException) -> BaseException:
    """Return the cause of an activity's failure, without the ActivityError around it."""
    if isinstance(error, ActivityError) and error.cause is not None:
        return error.cause
    return error


def is_refusal(error: BaseException, refusals: Container[str]) -> bool:
    """Tell whether the service refused for good: there is no effect and never will be.

    Args:
        refusals: error types that are refusals even without the mark in the failure's details.
    """
    cause = root_cause(error)
    return isinstance(cause, ApplicationError) and (
        REFUSAL in cause.details or cause.type in refusals
    )


def was_cancelled(error: BaseException) -> bool:
    """Tell whether the workflow cancelled the activity."""
    return is_cancelled_exception(error) or isinstance(error, asyncio.CancelledError)


def is_final(error: BaseException) -> bool:
    """Tell whether the activity failed in a way that no other attempt changes."""
    cause = root_cause(error)
    return isinstance(cause, ApplicationError) and cause.non_retryable


def ran_out_of_time(error: BaseException) -> bool:
    """Tell whether the time for all attempts was over.

    The server then reports the failure of the last attempt as the cause, if there was one.
    """
    if isinstance(error, ActivityError) and error.retry_state is RetryState.TIMEOUT:
        return True
    cause = root_cause(error)
    return isinstance(cause, TimeoutError) and cause.type is TimeoutType.SCHEDULE_TO_CLOSE


def explain(error: BaseException) -> str:
    """Return one line for the operator: the service's error, or the kind of timeout."""
    cause = root_cause(error)
    if is_cancelled_exception(cause) or isinstance(cause, asyncio.CancelledError):
        return "interrupted"
    if isinstance(cause, TimeoutError):
        return brief(_TIMEOUTS.get(cause.type, cause.message) if cause.type else cause.message)
    if isinstance(cause, ApplicationError):
        text = brief(cause.message)
        return f"{text} ({brief(cause.type)})" if cause.type else text
    return f"{brief(str(cause))} ({type(cause).__name__})"


def brief(text: str) -> str:
    """Shorten a foreign text, so that it fits into the run's result."""
    return shortened(text, _LONGEST)
