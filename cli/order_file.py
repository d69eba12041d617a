"""Order from a file or from standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from cli.errors import BadInput
from messages.base import Message
from messages.orders import Order
from messages.validation import explain

MessageT = TypeVar("MessageT", bound=Message)

_LARGEST = 1024 * 1024


def read_order(path: str, deadline_seconds: int | None = None) -> Order:
    """Read and validate an order; ``-`` reads standard input.

    Args:
        deadline_seconds: replaces the order's own deadline.

    Raises:
        BadInput: names the file, the place in it and the problem.
    """
    name = "standard input" if path == "-" else path
    text = _decode(name, _read(name, path))
    try:
        order = Order.model_validate_json(text)
    except ValidationError as error:
        raise BadInput(f"{name}: {explain(error)}") from None
    try:
        json.loads(text, object_pairs_hook=_refuse_duplicates)
    except ValueError as error:
        raise BadInput(f"{name}: {error}") from None
    if deadline_seconds is None:
        return order
    return valid(Order, **{**dict(order), "deadline_seconds": deadline_seconds})


def valid(model: type[MessageT], **fields: object) -> MessageT:
    """Return a message made of values from the command line.

    Raises:
        BadInput: names the value and the problem.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise BadInput(explain(error)) from None


def _read(name: str, path: str) -> bytes:
    try:
        if path == "-":
            content = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(path).open("rb") as file:
                content = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise BadInput(f"{name}: cannot be read: {reason or error}") from None
    if len(content) > _LARGEST:
        raise BadInput(f"{name}: larger than an order may be ({_LARGEST} bytes)")
    if not content.strip():
        raise BadInput(f"{name}: is empty; an order is a JSON object")
    return content


def _decode(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{name}: is not UTF-8 text (byte {error.start})") from None


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Parsers disagree on which of the two values counts, so both are refused.
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise ValueError(f"{key}: is given twice in one object")
        seen.add(key)
    return dict(pairs)
