"""Replies of activities and child workflows, read where a failure to read them can be caught."""

from __future__ import annotations

from typing import TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

_T = TypeVar("_T")


class UnreadableReply(Exception):
    """The answer cannot be read, so it says nothing about what was done."""


def read(raw: RawValue | None, kind: type[_T], of: str) -> _T:
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
