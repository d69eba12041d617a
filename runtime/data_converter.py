"""How values become payloads, bad ones are refused, and failures are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import DataConverter, DefaultFailureConverter, PayloadConverter
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError

from messages.validation import explain

#: Type of the failure that a run started with unreadable input closes with.
INVALID_INPUT = "InvalidInput"


class _ClearPayloadConverter(PydanticPayloadConverter):
    """Makes a value that does not fit its model a Temporal failure.

    Any other exception while a workflow decodes its input fails the workflow *task*, which
    the server repeats for ever; a failure fails the run, or has the update refused.
    """

    def from_payloads(
        self, payloads: Sequence[Payload], type_hints: list[type] | None = None
    ) -> list[Any]:
        """See base class.

        Raises:
            ApplicationError: of type :data:`INVALID_INPUT`, saying what is wrong and where.
        """
        try:
            return super().from_payloads(payloads, type_hints)
        except ValidationError as error:
            raise ApplicationError(
                explain(error),
                type=INVALID_INPUT,
                non_retryable=True,
                category=ApplicationErrorCategory.BENIGN,
            ) from None


class _BriefFailureConverter(DefaultFailureConverter):
    """Leaves out where in our code a failure that is business as usual was raised.

    A refusal or a rolled back order is an answer. What the Web UI shows of it is its message;
    below a page of stack trace nobody would find that.
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


def _drop_stack_traces(failure: Failure) -> None:
    failure.stack_trace = ""
    if failure.HasField("cause"):
        _drop_stack_traces(failure.cause)


#: For every client, worker and replayer of this system.
data_converter = DataConverter(
    payload_converter_class=_ClearPayloadConverter,
    failure_converter_class=_BriefFailureConverter,
)
