"""The envelope of every event, and what an event tells of its order."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from typing_extensions import Self

from messages.base import Identifier, Money, Points, Resolution
from messages.ids import OperationId, event_id
from messages.orders import LOYALTY_RATE, Order, Quantity


def _within_bounds(name: str) -> str:
    if len(name.encode("utf-8", "surrogatepass")) > _NAME_BYTES:
        raise ValueError(f"must have at most {_NAME_BYTES} bytes")
    return name


#: Temporal bounds the id of a workflow to 1000 bytes, and that of a delivery is a little longer.
_NAME_BYTES = 800

#: Names an event or its order; an empty one names nothing.
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=400), AfterValidator(_within_bounds)
]


class Event(BaseModel):
    """Something that happened, as it travels: whoever only carries it keeps what it does not know.

    Events of one type and version only ever gain fields. A change that takes something away or
    gives it another meaning is a new version, which a subscriber that does not know it parks.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    #: The same for each repetition of the same fact: see :func:`messages.ids.event_id`.
    id: Name
    type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
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
        """What the services are told of an order."""
        return cls.model_validate(order.model_dump())

    @property
    def loyalty_points(self) -> Points:
        """Points that the order earns: 1 % of its total, exact."""
        return Decimal(self.total_amount * LOYALTY_RATE)


class OrderEvent(Event):
    """Something that happened to an order; what it is about beside that, a subclass says."""

    model_config = ConfigDict(extra="ignore")

    order: PlacedOrder

    @classmethod
    def after(cls, cause: OrderEvent, at: datetime, **facts: object) -> Self:
        """This event, in answer to another one.

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
        """The key of an operation of this order's saga; ``step`` names the operation."""
        return str(OperationId(self.correlation_id, self.saga_run_id, step))
