"""How values become payloads: as pydantic writes them, and bad ones refused clearly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

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


#: For every client, worker and replayer of this system.
data_converter = DataConverter(payload_converter_class=_ClearPayloadConverter)
