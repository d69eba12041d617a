"""Base classes and common types of all messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    StrictStr,
    StringConstraints,
)
from pydantic_core import core_schema


def one_of(names: Sequence[str]) -> GetPydanticSchema:
    """Return an annotation that restricts a text to these names; for use in ``Annotated``."""
    return GetPydanticSchema(lambda _source, _handler: core_schema.literal_schema(list(names)))


class Message(BaseModel):
    """Immutable message that refuses unknown fields.

    Infinity and not-a-number are refused as well, because comparisons of amounts would be wrong
    with them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Reply(Message):
    """Answer in which unknown fields are ignored.

    So a service may add fields to its answers while workflows of an older version still run.
    """

    model_config = ConfigDict(extra="ignore")


#: An identifier that a client chooses: no white space, no control characters.
Identifier = Annotated[
    StrictStr, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\s\p{C}]+$")
]

#: One line of text that a person typed.
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]

# 200, 200.0 and 200.00 are the same amount, so they must make the same request to a service.
_CENT = AfterValidator(lambda amount: amount.quantize(Decimal("0.01")))
_TEN_THOUSANDTH = AfterValidator(lambda points: points.quantize(Decimal("0.0001")))


def _plain_digits(amount: object) -> object:
    # Decimal also accepts texts that nobody writes for an amount: " 12 ", "1_000", "1e2", and
    # digits of any script.
    if isinstance(amount, str) and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", amount):
        raise ValueError("must be an amount in plain digits, such as 12.50")
    return amount


#: An exact amount of money in the shop's only currency, in whole cents, never negative.
Money = Annotated[
    Decimal,
    BeforeValidator(_plain_digits),
    Field(ge=0, max_digits=12, decimal_places=2),
    _CENT,
]

#: Loyalty points: 1 % of an amount in cents needs four decimals to stay exact.
Points = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=4), _TEN_THOUSANDTH]


class Command(Message):
    """Request to a service.

    A compensation receives the same request as its action. So it never depends on a value that
    only the action's reply contains: that reply may be lost.
    """

    #: Names the operation. It is the same for all attempts of the action and its compensation.
    idempotency_key: str
    #: The order that the operation is for.
    order_id: Identifier


class Resolution(Reply):
    """Operator's decision on an operation, as the service's ledger stores it."""

    operator: str
    #: The evidence.
    note: str
    at: datetime


class Reversal(Reply):
    """Answer of a service to a compensation."""

    #: False when the compensation moved nothing: the action never arrived, was refused, or
    #: was settled.
    had_effect: bool
    #: Set when an operator has settled the operation: it was undone by hand, so the service does
    #: not undo it again.
    settled: Resolution | None = None
