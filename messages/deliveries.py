"""The delivery of an event to a subscriber: what it carries, where it stands, how it ends."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import Enum
from typing import Literal

from pydantic import SerializeAsAny

from messages.base import Line, Message
from messages.events.base import Event, Name, Tolerant

#: When it was told, in answer to what, and why: no subscriber's part in it depends on these.
_NOT_THE_FACT = {"time", "causation_id", "reason"}


class Delivery(Message):
    """One event for one subscriber."""

    event: SerializeAsAny[Event]
    subscriber: Name

    @property
    def fact(self) -> str:
        """A digest of what is brought to whom: the same each time that it is told."""
        event = self.event.model_dump(mode="json", exclude=_NOT_THE_FACT, exclude_none=True)
        told = json.dumps([self.subscriber, event], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:32]


class CarrierRef(Message):
    """The workflow id under which a delivery is looked for."""

    workflow_id: str
    #: See :attr:`Delivery.fact`.
    fact: str


class CarrierState(str, Enum):
    """Finding under the workflow id of a delivery."""

    ABSENT = "absent"  #: nothing, or nothing any more
    OTHER = "other"  #: something else, which never will deliver this
    OPEN = "open"  #: the delivery, under way
    PARKED = "parked"  #: the delivery, which waits for an operator
    CLOSED = "closed"  #: the delivery, which is over


class DeliveryState(str, Enum):
    """State of a delivery."""

    DELIVERING = "delivering"  #: the subscriber is at it, or will be when its worker is there
    PARKED = "parked"  #: a dead letter: it failed for good, and an operator has to decide
    DELIVERED = "delivered"  #: the subscriber has taken it; its own events are published
    DISCARDED = "discarded"  #: an operator decided that the subscriber shall not have it


class ResolveDeadLetter(Message):
    """An operator decides what becomes of a dead letter."""

    action: Literal["replay", "discard"]
    operator: Line
    #: What was found out or mended, and the evidence for it.
    note: Line


class DeliveryView(Message):
    """A delivery as its status query shows it."""

    delivery: Delivery
    state: DeliveryState
    #: Why it was parked, the last time that it was.
    error: str | None = None
    #: Since when it is parked; None when it is not.
    parked_since: datetime | None = None
    #: What operators decided, in order.
    decisions: tuple[ResolveDeadLetter, ...] = ()


class DeliveryReport(Tolerant):
    """Report to an order that a delivery of one of its events does not go smoothly."""

    event: SerializeAsAny[Event]
    subscriber: Name
    #: Parked, on its way again, or discarded.
    state: DeliveryState
    #: Why it was parked.
    error: str | None = None
    #: Who decided what.
    decision: ResolveDeadLetter | None = None


class Delivered(Message):
    """Result of a delivery."""

    event_id: str
    subscriber: str
    state: Literal[DeliveryState.DELIVERED, DeliveryState.DISCARDED]
    #: Ids of the events that the subscriber answered with.
    emitted: tuple[str, ...] = ()
