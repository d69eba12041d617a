"""Replies of activities and child workflows, decoded where a failure can be caught."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.workflow import ActivityCancellationType

from workflows.task_queues import task_queue_of

_T = TypeVar("_T")


class UnreadableReply(Exception):
    """The reply cannot be read, so nobody knows what was done."""


def read_reply(raw: RawValue | None, kind: type[_T], of: str) -> _T:
    """Decode the reply of an activity or a child workflow.

    The SDK would decode it before the workflow's code sees it. A reply that cannot be decoded
    would then fail the run, with every effect standing, or fail its workflow task for ever.

    Args:
        of: name of the activity or child workflow, for the message.

    Raises:
        UnreadableReply: the reply is empty, or is not a ``kind``.
    """
    if raw is None:
        raise UnreadableReply(f"the answer of {of} cannot be read: it is empty")
    try:
        return workflow.payload_converter().from_payload(raw.payload, kind)
    except Exception as error:
        why = error.message if isinstance(error, ApplicationError) else str(error)
        raise UnreadableReply(f"the answer of {of} cannot be read: {why}") from error


async def call_locally(
    activity: str, argument: object, *, reply: type[_T], limit: timedelta, summary: str
) -> _T:
    """Attempt a local activity once, and decode its reply.

    Raises:
        FailureError: the attempt failed.
        UnreadableReply: the reply cannot be read; nobody knows whether there was an effect.
    """
    raw: RawValue | None = await workflow.execute_local_activity(
        activity,
        argument,
        result_type=RawValue,
        schedule_to_close_timeout=limit,
        retry_policy=RetryPolicy(maximum_attempts=1),
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )
    return read_reply(raw, reply, activity)


async def call(
    activity: str,
    *arguments: object,
    reply: type[_T],
    attempt: timedelta,
    retry: RetryPolicy,
    window: timedelta | None = None,
    service: str | None = None,
    cancellation: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL,
    summary: str | None = None,
) -> _T:
    """Run an activity and decode its reply.

    Args:
        service: uses this service's task queue instead of the workflow's.

    Raises:
        ActivityError: the activity failed.
        UnreadableReply: the reply cannot be read; nobody knows whether there was an effect.
    """
    raw: RawValue | None = await workflow.execute_activity(
        activity,
        args=arguments,
        result_type=RawValue,
        task_queue=task_queue_of(service),
        start_to_close_timeout=attempt,
        schedule_to_close_timeout=window,
        retry_policy=retry,
        cancellation_type=cancellation,
        summary=summary,
    )
    return read_reply(raw, reply, activity)
