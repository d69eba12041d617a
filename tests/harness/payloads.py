"""Payloads that nobody of ours sends: every way in which a message can be no message."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.common import RawValue

Shape = Sequence[Payload]

#: A little less than Temporal takes.
_ALMOST_2_MB = 1_900_000


def _payload(data: bytes, encoding: bytes | None = b"json/plain", **more: bytes) -> Payload:
    encoded = {} if encoding is None else {"encoding": encoding}
    return Payload(metadata={**encoded, **more}, data=data)


_WHO = WorkflowExecution(workflow_id="w").SerializeToString()
_WHO_TYPE = b"temporal.api.common.v1.WorkflowExecution"
_REFERENCE = b"json/external-storage-reference"
_MANY_KEYS = json.dumps({f"key_{number}": 0 for number in range(100_000)}).encode()

#: By what is wrong with it, one argument; none of these is ever right for anything.
UNREADABLE: Mapping[str, Payload] = {
    "raw bytes": _payload(b"\x00\xff raw", b"binary/plain"),
    "a null that is none": _payload(b"{}", b"binary/null"),
    "unknown encoding": _payload(b"{}", b"application/x-unheard-of"),
    "an encoding in no alphabet": _payload(b"{}", b"\xff\xfe" * 1000),
    "missing encoding": _payload(b"{}", None),
    "something encrypted": _payload(b"\x8a\x01", b"binary/encrypted"),
    "kept elsewhere": _payload(b'{"driver_name":"s3"}', _REFERENCE),
    "marked as kept elsewhere": _payload(b"?", __temporal_external_storage_reference=b"true"),
    "a number": _payload(b"42"),
    "a text": _payload(b'"cancel"'),
    "a list": _payload(b"[1, 2, 3]"),
    "no JSON": _payload(b"{'order_id': 1"),
    "nothing in it": _payload(b""),
    "invalid UTF-8": _payload(b'{"order_id": "\xff\xfe"}'),
    "half a surrogate": _payload(b'{"order_id": "\\ud800", "reason": "\\ud800"}'),
    "deep nesting": _payload(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "nesting that can just be read": _payload(b'{"a":' * 198 + b"1" + b"}" * 198),
    "a number too long": _payload(b'{"total_amount": ' + b"1" * 100_000 + b"}"),
    "unknown fields": _payload(b'{"unheard_of": true}'),
    "a hundred thousand fields": _payload(_MANY_KEYS),
    "a key of 1.9 MB": _payload(b'{"' + b"k" * _ALMOST_2_MB + b'": 0}'),
    "1.9 MB of text": _payload(b'"' + b"x" * _ALMOST_2_MB + b'"'),
    "protobuf": _payload(_WHO, b"binary/protobuf", messageType=_WHO_TYPE),
    "protobuf garbage": _payload(b"\xff" * 50, b"binary/protobuf", messageType=_WHO_TYPE),
    "protobuf of no type": _payload(b"", b"binary/protobuf"),
    "protobuf as JSON": _payload(b'{"workflowId":"w"}', b"json/protobuf", messageType=_WHO_TYPE),
    "protobuf of a type in no alphabet": _payload(b"{}", b"json/protobuf", messageType=b"\xff"),
}

#: Likewise, but right where something may be left out.
NOTHING: Mapping[str, Payload] = {
    "JSON null": _payload(b"null"),
    "binary/null": _payload(b"", b"binary/null"),
}

#: By what is wrong, all arguments of a message.
BAD_ARGUMENTS: Mapping[str, Shape] = {
    **{name: (payload,) for name, payload in UNREADABLE.items()},
    "two arguments": (_payload(b"{}"), _payload(b"{}")),
    "an argument and null": (_payload(b"{}"), NOTHING["JSON null"]),
    "three unreadable arguments": tuple([UNREADABLE["missing encoding"]] * 3),
}
NO_ARGUMENTS: Mapping[str, Shape] = {
    "no argument": (),
    **{name: (payload,) for name, payload in NOTHING.items()},
}


def raw(shape: Shape) -> list[RawValue]:
    """Return the arguments, to send as they are."""
    return [RawValue(payload) for payload in shape]
