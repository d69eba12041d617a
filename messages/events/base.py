"""The envelope of every event, and what an event tells of its order."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator
from pydantic_core import from_json
from typing_extensions import Self

from messages.base import Identifier, Money, Resolution
from messages.ids import OperationId, event_id
from messages.orders import Order, Quantity

_LONGEST_NAME = 800
_LONGEST_TYPE = 200
_LARGEST = 250_000
_ROOM = 20


def _at_most(limit: int) -> AfterValidator:
    def check(text: str) -> str:
        if len(text.encode()) > limit:
            raise ValueError(f"more than {limit} bytes")
        return text

    return AfterValidator(check)


#: Short enough for the id of a delivery, which Temporal bounds in bytes; an empty one names
#: nothing, and no database takes every control character.
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=400, pattern=r"^[^\p{Cc}]+$"),
    _at_most(_LONGEST_NAME),
]
#: Short enough for the line about a delivery in the Web UI, which Temporal bounds as well.
TypeName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[^\p{Cc}]+$"),
    _at_most(_LONGEST_TYPE),
]


class Event(BaseModel):
    """Something that happened, as it travels: whoever only carries it keeps what it does not know.

    Events of one type and version only ever gain fields. A change that takes something away or
    gives it another meaning is a new version, which a subscriber that does not know it parks.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    #: The same for each repetition of the same fact: see :func:`messages.ids.event_id`.
    id: Name
    type: TypeName
    version: int = 1
    #: Names the order's saga: ``saga_<order_id>``.
    correlation_id: Name
    #: First run id of that saga. A failed order that is placed again has another one, and what
    #: is still told of the first attempt does not concern it.
    saga_run_id: str
    #: Id of the event in answer to which this happened; None for the first one.
    causation_id: str | None = None
    #: When it happened, UTC.
    time: datetime

    @model_validator(mode="after")
    def _can_be_carried(self) -> Self:
        # A workflow that passes on more than Temporal takes is ended by it, or never goes on.
        # The largest order, with the longest names, is a quarter of this.
        carried = self.model_dump_json()
        if len(carried) > _LARGEST:
            raise ValueError(f"an event of more than {_LARGEST:,} characters")
        if self.model_extra:
            _check_depth(carried)
        return self


def _check_depth(carried: str) -> None:
    # Within what carries it, it has to be readable as well.
    try:
        from_json("[" * _ROOM + carried + "]" * _ROOM)
    except ValueError:
        raise ValueError("an event that is nested too deeply") from None


class Tolerant(BaseModel):
    """A part of an event; fields that a later version of its emitter added are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class ByHand(Resolution):
    """An operator's decision, as an event tells of it."""

    model_config = ConfigDict(extra="ignore")


class PlacedItem(Tolerant):
    """A quantity of one item at a unit price."""

    id: Identifier
    quantity: Quantity
    price: Money | None = None


class PlacedOrder(Tolerant):
    """The order, carried along by its events, so that no service has to ask another for it."""

    order_id: Identifier
    user_id: Identifier
    items: tuple[PlacedItem, ...]
    total_amount: Money
    shipping_address: str

    @classmethod
    def of(cls, order: Order) -> Self:
        """Return what the services are told of an order."""
        return cls.model_validate(order.model_dump())


class OrderEvent(Event):
    """Something that happened to an order; what it is about beside that, a subclass says."""

    model_config = ConfigDict(extra="ignore")

    order: PlacedOrder

    @classmethod
    def after(cls, cause: OrderEvent, at: datetime, **facts: object) -> Self:
        """Make this event, in answer to another one.

        Args:
            at: when it happened, UTC.
            facts: the fields that this type of event adds.
        """
        return cls.model_validate(
            {
                **facts,
                "id": event_id(cause.correlation_id, cause.saga_run_id, cls.__name__),
                "correlation_id": cause.correlation_id,
                "saga_run_id": cause.saga_run_id,
                "causation_id": cause.id,
                "time": at,
                "order": cause.order,
            }
        )

    def idempotency_key(self, step: str) -> str:
        """Return the key of an operation of this order's saga; ``step`` names the operation."""
        return str(OperationId(self.correlation_id, self.saga_run_id, step))


class Refusal(OrderEvent):
    """A service's word that it will not do its part; it did nothing."""

    #: The service's own words.
    error: str


class Undone(OrderEvent):
    """A service's word that nothing of its part stands any more, nor will."""

    #: False when there was nothing to undo.
    had_effect: bool
    #: Set when there was nothing to undo because an operator had undone it by hand.
    settled: ByHand | None = None
