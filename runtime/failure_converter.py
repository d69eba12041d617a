"""Failure converter that keeps expected failures short, and can read every failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter, PayloadConverter
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError

#: Fields in which a later version of Temporal, or anybody, may have put an unknown value.
_PERHAPS_UNREADABLE = {
    "application_failure_info": ("category", "next_retry_delay"),
    "activity_failure_info": ("retry_state",),
    "child_workflow_execution_failure_info": ("retry_state",),
    "timeout_failure_info": ("timeout_type",),
}


class BriefFailureConverter(DefaultFailureConverter):
    """Failure converter that omits the stack trace of an expected failure.

    A refusal or a rolled back order is a normal result. The Web UI should show its message,
    which nobody would find below a page of stack trace.
    """

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure
    ) -> None:
        """See base class."""
        super().to_failure(exception, payload_converter, failure)
        benign = (
            isinstance(exception, ApplicationError)
            and exception.category is ApplicationErrorCategory.BENIGN
        )
        if benign or isinstance(exception, CancelledError):
            _drop_stack_traces(failure)

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """See base class; parts that cannot be read are omitted.

        An exception raised here would fail the workflow task and so hide the failure.
        """
        readable = _Details.of(payload_converter)
        try:
            return super().from_failure(failure, readable)
        except Exception:
            return super().from_failure(_bare(failure), readable)


class _Details(PayloadConverter):
    """Payload converter for the details of a failure: it reads each by itself, or none."""

    def __init__(self, inner: PayloadConverter) -> None:
        self._inner = inner

    @classmethod
    def of(cls, converter: PayloadConverter) -> _Details:
        """Return a converter of this class that uses the given one for each detail."""
        return converter if isinstance(converter, cls) else cls(converter)

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """See base class."""
        return self._inner.to_payloads(values)

    def from_payloads(
        self, payloads: Sequence[Payload], type_hints: list[type] | None = None
    ) -> list[Any]:
        """See base class."""
        try:
            return [self._inner.from_payload(payload) for payload in payloads]
        except Exception:
            return []


def _bare(failure: Failure) -> Failure:
    bare = Failure()
    bare.CopyFrom(failure)
    kind = failure.WhichOneof("failure_info")
    if kind is not None:
        for field in _PERHAPS_UNREADABLE.get(kind, ()):
            getattr(bare, kind).ClearField(field)
    return bare


def _drop_stack_traces(failure: Failure) -> None:
    failure.stack_trace = ""
    if failure.HasField("cause"):
        _drop_stack_traces(failure.cause)
