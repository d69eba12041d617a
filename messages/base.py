"""The base classes of every message."""

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
    """Restrict a text to these names; for use within ``Annotated``."""
    return GetPydanticSchema(lambda _source, _handler: core_schema.literal_schema(list(names)))


class Message(BaseModel):
    """An immutable message that refuses fields it does not know.

    Infinite and not-a-number values are refused everywhere, so that no comparison
    of amounts can be fooled by them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Reply(Message):
    """An answer, which passes over fields that it does not know.

    So a service may answer more than before while workflows of an older version still run.
    """

    model_config = ConfigDict(extra="ignore")


#: An identifier chosen outside: no white space, no control characters.
Identifier = Annotated[
    StrictStr, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\s\p{C}]+$")
]

#: One line of text that a person typed.
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]

# 200, 200.0 and 200.00 are one amount, so they must be one request to a service.
_CENT = AfterValidator(lambda amount: amount.quantize(Decimal("0.01")))
_TEN_THOUSANDTH = AfterValidator(lambda points: points.quantize(Decimal("0.0001")))


def _plain_digits(amount: object) -> object:
    # Of a string, Decimal would make an amount of more than one writes an amount like: " 12 ",
    # "1_000", "1e2", digits of any script.
    if isinstance(amount, str) and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", amount):
        raise ValueError("must be an amount in plain digits, such as 12.50")
    return amount


#: An exact amount of money in the shop's one currency, in whole cents, never negative.
Money = Annotated[
    Decimal,
    BeforeValidator(_plain_digits),
    Field(ge=0, max_digits=12, decimal_places=2),
    _CENT,
]

#: Loyalty points: 1 % of an amount in cents needs four decimals to stay exact.
Points = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=4), _TEN_THOUSANDTH]


class Command(Message):
    """A request to a service, and, to its compensation, what there is to undo.

    A compensation receives the very request that its action received. So it can never
    depend on a value that only the action's reply carries: the reply may be lost.
    """

    #: Names this operation across all retries of action and compensation together.
    idempotency_key: str
    #: The order that the operation is for.
    order_id: Identifier


class Resolution(Reply):
    """An operator's decision on an operation, as its service's ledger keeps it."""

    operator: str
    #: The evidence.
    note: str
    at: datetime


class Reversal(Reply):
    """A service's answer to a compensation."""

    #: False when the compensation moved nothing: the action never arrived, was refused, or
    #: was settled.
    had_effect: bool
    #: Set when an operator has settled the operation: it was undone by hand, and is not again.
    settled: Resolution | None = None
