"""Replies of activities and child workflows, read where a failure to read them can be caught."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter
from temporalio import workflow
from temporalio.common import RawValue

_T = TypeVar("_T")


class UnreadableReply(Exception):
    """The answer cannot be read, so it says nothing about what was done."""


def read(raw: RawValue, kind: type[_T], of: str) -> _T:
    """Read the reply of an activity, or of a child workflow, of that name.

    The SDK would read it before the workflow's code gets to see anything of it. A reply that
    cannot be read would then fail the workflow task, again and again.

    Raises:
        UnreadableReply: it is no ``kind``.
    """
    try:
        reply: Any = workflow.payload_converter().from_payload(raw.payload, kind)
        # The converter lets a null pass, whatever was asked for.
        return TypeAdapter(kind).validate_python(reply)
    except Exception as error:
        raise UnreadableReply(f"the answer of {of} cannot be read: {_brief(error)}") from error


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
