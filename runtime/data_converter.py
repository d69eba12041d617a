"""Data converter of all clients and workers, which refuses values that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from pydantic import ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from messages.text import shortened
from messages.validation import explain
from messages.wire import INVALID_INPUT
from runtime.encryption import NO_KEYS, EncryptionCodec, Keys
from runtime.failure_converter import BriefFailureConverter, SealedFailureConverter

_NULL = b"binary/null"
_JSON = b"json/plain"
_JSON_NULL = Payload(metadata={"encoding": _JSON}, data=b"null")
_LONGEST_REASON = 200


class _ClearPayloadConverter(PydanticPayloadConverter):
    """Payload converter that raises a Temporal failure for a value that cannot be read.

    Any other exception while a workflow decodes its input fails the workflow *task*, which
    the server then repeats without end. A Temporal failure fails the run or refuses the update.
    """

    def from_payloads(
        self, payloads: Sequence[Payload], type_hints: list[type] | None = None
    ) -> list[Any]:
        """See base class.

        Raises:
            ApplicationError: of type :data:`INVALID_INPUT`; it names the problem and its place.
        """
        # If the number of arguments does not fit, the SDK gives no hints and would call the
        # handler with too many arguments. No handler here takes more than one.
        most = 1 if type_hints is None else len(type_hints)
        if len(payloads) > most:
            raise _refusal(f"{len(payloads)} arguments given, at most {most} taken")
        try:
            hints = type_hints or ()
            return [self._read(*each) for each in zip_longest(payloads, hints)]
        # Anybody may send anything, and the SDK's converters may raise any exception.
        except Exception as error:
            raise _refusal(_reason(error)) from None

    def _read(self, payload: Payload, hint: Any) -> Any:
        if hint is RawValue:
            return RawValue(payload)
        encoding = payload.metadata.get("encoding", b"")
        if encoding == _NULL and not payload.data:
            # The SDK would accept null for every type.
            encoding, payload = _JSON, _JSON_NULL
        converter = self.converters.get(encoding)
        if converter is None:
            raise ValueError(f"unknown encoding {shortened(repr(encoding), _LONGEST_REASON)}")
        value = converter.from_payload(payload, hint)
        # The converters compare only JSON with the type hint; other encodings imply their own type.
        if encoding != _JSON and hint not in (None, Any, object) and not isinstance(value, hint):
            raise ValueError(f"{encoding.decode()} given where JSON is needed")
        return value


class _PlainDataConverter(DataConverter):
    """Data converter that leaves references to external payloads as they are, unreadable.

    The SDK would fail the workflow task before the payload converter sees the reference.
    """

    async def _decode_reference_payload_sequence(
        self, payloads: Sequence[Payload]
    ) -> list[Payload]:
        return list(payloads)

    async def _external_retrieve_payload_sequence(
        self, payloads: Sequence[Payload]
    ) -> list[Payload]:
        return list(payloads)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return explain(error)
    return shortened(" ".join(f"it cannot be read: {error}".split()), _LONGEST_REASON)


def _refusal(reason: str) -> ApplicationError:
    return ApplicationError(
        reason,
        type=INVALID_INPUT,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )


def data_converter_with(keys: Keys) -> DataConverter:
    """Return the data converter of a client or a worker that has these keys."""
    return _PlainDataConverter(
        payload_converter_class=_ClearPayloadConverter,
        payload_codec=EncryptionCodec(keys),
        failure_converter_class=SealedFailureConverter if keys.ids else BriefFailureConverter,
    )


#: Data converter of a system that does not encrypt.
data_converter = data_converter_with(NO_KEYS)
