"""Base classes and common types of all messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, TypeVar

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


def _with_decimals(least: int) -> AfterValidator:
    """Return a validator that writes an amount with so many decimals, or more if it needs them."""

    def written(amount: Decimal) -> Decimal:
        # 200, 200.0 and 200.00 are the same amount, so they must make the same request to a
        # service. The currency does not matter: the text is the same for a yen and for a dollar.
        exponent = amount.normalize().as_tuple().exponent
        needed = max(least, -exponent if isinstance(exponent, int) else 0)
        return amount.quantize(Decimal(1).scaleb(-needed)) + 0  # so that zero has no sign

    return AfterValidator(written)


def _plain_digits(amount: object) -> object:
    # Decimal also accepts texts that nobody writes for an amount: " 12 ", "1_000", "1e2", and
    # digits of any script.
    if isinstance(amount, str) and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", amount):
        raise ValueError("must be an amount in plain digits, such as 12.50")
    return amount


#: An exact amount of money, below ten thousand millions. No currency has more than four decimals;
#: whoever knows the currency checks that the amount has no more than that one.
SignedMoney = Annotated[
    Decimal,
    BeforeValidator(_plain_digits),
    Field(max_digits=14, decimal_places=4),
    _with_decimals(2),
]

#: The same, never negative.
Money = Annotated[SignedMoney, Field(ge=0)]

#: Loyalty points: 1 % of an amount needs two decimals more than the amount to stay exact.
Points = Annotated[Decimal, Field(ge=0, max_digits=16, decimal_places=6), _with_decimals(4)]

AnyT = TypeVar("AnyT")

#: A field that older versions do not know. If it is not set, it is left out, so that the message
#: is the same as theirs, byte by byte.
Added = Annotated[AnyT | None, Field(exclude_if=lambda value: value is None)]


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
