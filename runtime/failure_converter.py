"""Failure converter that keeps expected failures short, and can read every failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter, FailureConverter, PayloadConverter
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError

from runtime.encryption import UnknownKey

#: Message of a failure whose own one is encrypted; all SDKs use this text.
_SEALED = "Encoded failure"
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


class SealedFailureConverter(FailureConverter):
    """Failure converter that puts message and stack trace where the codec encrypts them.

    The SDK's own option does that before the stack traces of expected failures are dropped, and
    not for the causes in a failure that the server has passed on.
    """

    def __init__(self) -> None:
        self._plain = BriefFailureConverter()

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure
    ) -> None:
        """See base class; a missing key is told in plain text.

        Who lacks a key cannot say so in its own encryption: nobody might be able to read it.
        """
        self._plain.to_failure(exception, payload_converter, failure)
        if not _lacks_a_key(exception):
            _seal(failure, payload_converter)

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """See base class."""
        return self._plain.from_failure(failure, payload_converter)


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


def _lacks_a_key(exception: BaseException | None) -> bool:
    while exception is not None and not isinstance(exception, UnknownKey):
        exception = exception.__cause__
    return exception is not None


def _seal(failure: Failure, payload_converter: PayloadConverter) -> None:
    # A failure that was passed on has this message at each level that is sealed already.
    if not (failure.HasField("encoded_attributes") and failure.message == _SEALED):
        told = {"message": failure.message, "stack_trace": failure.stack_trace}
        failure.encoded_attributes.CopyFrom(payload_converter.to_payload(told))
        failure.message, failure.stack_trace = _SEALED, ""
    if failure.HasField("cause"):
        _seal(failure.cause, payload_converter)
