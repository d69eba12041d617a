"""Replies of activities and child workflows, read where a failure to read them can be caught."""

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
    """The answer cannot be read, so it says nothing about what was done."""


def read_reply(raw: RawValue | None, kind: type[_T], of: str) -> _T:
    """Read the reply of an activity, or of a child workflow, of that name.

    The SDK would read it before the workflow's code gets to see anything of it. A reply that
    cannot be read would then end the run, or fail its workflow task again and again.

    Raises:
        UnreadableReply: it is no ``kind``.
    """
    if raw is None:
        raise UnreadableReply(f"the answer of {of} cannot be read: it is empty")
    try:
        return workflow.payload_converter().from_payload(raw.payload, kind)
    except Exception as error:
        why = error.message if isinstance(error, ApplicationError) else str(error)
        raise UnreadableReply(f"the answer of {of} cannot be read: {why}") from error


async def call(
    activity: str,
    *about: object,
    reply: type[_T],
    attempt: timedelta,
    retry: RetryPolicy,
    window: timedelta | None = None,
    service: str | None = None,
    cancellation: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL,
    summary: str | None = None,
) -> _T:
    """Run an activity, of the service's own worker if one is named, and read its reply.

    Raises:
        ActivityError: it failed.
        UnreadableReply: so did its answer; whether it took effect is unknown.
    """
    raw: RawValue | None = await workflow.execute_activity(
        activity,
        args=about,
        result_type=RawValue,
        task_queue=task_queue_of(service),
        start_to_close_timeout=attempt,
        schedule_to_close_timeout=window,
        retry_policy=retry,
        cancellation_type=cancellation,
        summary=summary,
    )
    return read_reply(raw, reply, activity)
