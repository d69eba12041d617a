"""Failures of activities: what they tell about effect and cause."""

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
    TimeoutType.START_TO_CLOSE: "no answer in the time of one attempt",
    TimeoutType.SCHEDULE_TO_START: "no worker took it up",
    TimeoutType.SCHEDULE_TO_CLOSE: "no answer in the time for all attempts",
    TimeoutType.HEARTBEAT: "its worker fell silent",
}

_LONGEST = 2000


def root_cause(error: BaseException) -> BaseException:
    """Return what failed, without the envelope that Temporal puts around an activity's failure."""
    if isinstance(error, ActivityError) and error.cause is not None:
        return error.cause
    return error


def is_refusal(error: BaseException, refusals: Container[str]) -> bool:
    """Tell whether the service said that there is no effect, now or ever.

    ``refusals`` are the types that mean it even if the failure does not say so itself.
    """
    cause = root_cause(error)
    return isinstance(cause, ApplicationError) and (
        REFUSAL in cause.details or cause.type in refusals
    )


def ran_out_of_time(error: BaseException) -> bool:
    """Tell whether the time for all attempts was up, whatever the last attempt failed with."""
    if isinstance(error, ActivityError) and error.retry_state is RetryState.TIMEOUT:
        return True
    cause = root_cause(error)
    return isinstance(cause, TimeoutError) and cause.type is TimeoutType.SCHEDULE_TO_CLOSE


def explain(error: BaseException) -> str:
    """One line for the operator: what the service said, or how it failed to answer."""
    cause = root_cause(error)
    if is_cancelled_exception(cause) or isinstance(cause, asyncio.CancelledError):
        return "interrupted"
    if isinstance(cause, TimeoutError):
        return brief(_TIMEOUTS.get(cause.type, cause.message) if cause.type else cause.message)
    if isinstance(cause, ApplicationError):
        told = brief(cause.message)
        return f"{told} ({brief(cause.type)})" if cause.type else told
    return f"{brief(str(cause))} ({type(cause).__name__})"


def brief(told: str) -> str:
    """Shorten what somebody else has said to what a run can carry along to its end."""
    return shortened(told, _LONGEST)
