"""Base classes of all events: the envelope, and the order that an event is about."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import from_json
from typing_extensions import Self

from messages.addresses import Phone
from messages.base import Added, Identifier, Money, Resolution, SignedMoney
from messages.currencies import Currency
from messages.ids import OperationId, event_id
from messages.orders import (
    MOST_ADJUSTMENTS,
    AdjustmentKind,
    Order,
    Quantity,
    check_amounts,
    check_sign,
)

#: Bytes.
_LONGEST_NAME = 800
#: Bytes.
_LONGEST_TYPE = 200
#: Characters.
_LARGEST_EVENT = 250_000
#: Levels of nesting that a message around an event may add.
_LEVELS_AROUND = 20


def _at_most(limit: int) -> AfterValidator:
    def check(text: str) -> str:
        if len(text.encode()) > limit:
            raise ValueError(f"more than {limit} bytes")
        return text

    return AfterValidator(check)


#: Short enough for the id of a delivery, which Temporal limits in bytes. Control characters are
#: refused, because not every database can store them.
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=400, pattern=r"^[^\p{Cc}]+$"),
    _at_most(_LONGEST_NAME),
]
#: Short enough for the line about a delivery in the Web UI, which Temporal limits as well.
TypeName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[^\p{Cc}]+$"),
    _at_most(_LONGEST_TYPE),
]


class Event(BaseModel):
    """Message that something happened.

    A process that only forwards an event keeps the fields that it does not know. Events of one
    type and version may gain fields. A change that removes a field or gives it another meaning
    needs a new version; a subscriber that does not know the version parks the event.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    #: The same each time that the same event is published; see :func:`messages.ids.event_id`.
    id: Name
    type: TypeName
    version: int = 1
    #: Names the order's saga: ``saga_<order_id>``.
    correlation_id: Name
    #: First run id of that saga. A failed order that is placed again has a new one, so late
    #: events of the first attempt do not affect it.
    saga_run_id: str
    #: Id of the event that caused this one; None for the first event.
    causation_id: str | None = None
    #: Time at which it happened, UTC.
    time: datetime

    @model_validator(mode="after")
    def _can_be_carried(self) -> Self:
        # Temporal ends or blocks a workflow that sends a larger message than it accepts. The
        # largest order, with the longest names, needs a quarter of this limit.
        json = self.model_dump_json()
        if len(json) > _LARGEST_EVENT:
            raise ValueError(f"an event of more than {_LARGEST_EVENT:,} characters")
        if self.model_extra:
            _check_depth(json)
        return self


def _check_depth(json: str) -> None:
    # The messages that contain the event must be readable as well.
    try:
        from_json("[" * _LEVELS_AROUND + json + "]" * _LEVELS_AROUND)
    except ValueError:
        raise ValueError("an event that is nested too deeply") from None


class Tolerant(BaseModel):
    """Part of an event; unknown fields, which a later version may add, are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class ByHand(Resolution):
    """Operator's decision, as an event contains it."""

    model_config = ConfigDict(extra="ignore")


class PlacedItem(Tolerant):
    """Quantity of one item at a unit price."""

    id: Identifier
    quantity: Quantity
    price: Money | None = None


class PlacedAdjustment(Tolerant):
    """Amount that the total contains beside the prices of the items."""

    kind: AdjustmentKind
    amount: SignedMoney

    @model_validator(mode="after")
    def _sign_fits_kind(self) -> Self:
        check_sign(self)
        return self


#: As many as a request may have.
PlacedAdjustments = Annotated[tuple[PlacedAdjustment, ...], Field(max_length=MOST_ADJUSTMENTS)]

#: Version of an event about an order. Whoever knows only version 1 would lose the currency, and
#: charge yen as dollars; so it parks an event of version 2.
Version = Literal[1, 2]


class PlacedOrder(Tolerant):
    """Order as its events contain it, so that no service has to ask another one for it."""

    order_id: Identifier
    user_id: Identifier
    items: tuple[PlacedItem, ...]
    total_amount: Money
    shipping_address: str
    currency: Added[Currency] = None
    adjustments: Added[PlacedAdjustments] = None
    phone: Added[Phone] = None

    @model_validator(mode="after")
    def _amounts_fit_currency(self) -> Self:
        check_amounts(self)
        return self

    @classmethod
    def of(cls, order: Order) -> Self:
        """Return an order in the form that events contain."""
        return cls.model_validate(order.model_dump())

    @property
    def version(self) -> Version:
        """The oldest version of events in which nothing of the order is lost."""
        added = (self.currency, self.adjustments, self.phone)
        return 1 if added == (None, None, None) else 2


class OrderEvent(Event):
    """Event about an order; each subclass adds its own fields."""

    model_config = ConfigDict(extra="ignore")

    version: Version = 1
    order: PlacedOrder

    @classmethod
    def after(cls, cause: OrderEvent, at: datetime, **facts: object) -> Self:
        """Return an event of this type that another event has caused.

        Args:
            cause: the other event, about the same order.
            at: time at which it happened, UTC.
            facts: the fields that this type of event adds.
        """
        return cls.model_validate(
            {
                **facts,
                "id": event_id(cause.correlation_id, cause.saga_run_id, cls.__name__),
                "version": cause.order.version,
                "correlation_id": cause.correlation_id,
                "saga_run_id": cause.saga_run_id,
                "causation_id": cause.id,
                "time": at,
                "order": cause.order,
            }
        )

    def idempotency_key(self, step: str) -> str:
        """Return the idempotency key of a step of this order's saga."""
        return str(OperationId(self.correlation_id, self.saga_run_id, step))


class Refusal(OrderEvent):
    """Event that says: a service refused its step, and did nothing."""

    #: The reason, as the service gave it.
    error: str


class Undone(OrderEvent):
    """Event that says: nothing of a service's step stands, now or later."""

    #: False when there was nothing to undo.
    had_effect: bool
    #: Set when there was nothing to undo because an operator had undone it by hand.
    settled: ByHand | None = None
