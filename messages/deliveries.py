"""Delivery of an event to a subscriber: its content, its state and its result."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import Enum
from typing import Literal

from pydantic import SerializeAsAny

from messages.base import Line, Message
from messages.events.base import Event, Name, Tolerant
from messages.ids import delivery_id

#: Fields that may differ when the same event is published again. No subscriber acts on them.
_NOT_IN_THE_DIGEST = {"time", "causation_id", "reason"}


class Delivery(Message):
    """Event, and the subscriber that it is for."""

    event: SerializeAsAny[Event]
    subscriber: Name

    @property
    def fact(self) -> str:
        """Digest of event and subscriber: the same each time that the event is published."""
        event = self.event.model_dump(mode="json", exclude=_NOT_IN_THE_DIGEST, exclude_none=True)
        content = json.dumps([self.subscriber, event], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    def ref(self, variant: str = "") -> CarrierRef:
        """Return the reference to the workflow that has one of the delivery's ids."""
        name = delivery_id(self.event.id, self.subscriber, variant)
        return CarrierRef(workflow_id=name, fact=self.fact)


class CarrierRef(Message):
    """Reference to the workflow that should carry a delivery."""

    workflow_id: str
    #: See :attr:`Delivery.fact`.
    fact: str


class CarrierState(str, Enum):
    """State of the workflow that has the id of a delivery."""

    ABSENT = "absent"  #: no workflow has the id, or none any more
    OTHER = "other"  #: another workflow has the id; it will never deliver this event
    OPEN = "open"  #: the delivery is running
    PARKED = "parked"  #: the delivery waits for an operator
    CLOSED = "closed"  #: the delivery has ended

    @property
    def is_in_progress(self) -> bool:
        """Tell whether the delivery is running or waits for an operator."""
        return self in (CarrierState.OPEN, CarrierState.PARKED)


class FirstAttempt(Message):
    """Result of the first attempt of a delivery, in the process of its workflow."""

    #: Whether the subscriber is in that process; otherwise nothing was done.
    is_here: bool
    #: Ids of the events that the subscriber emitted in answer; all are published.
    emitted: tuple[str, ...] = ()


class DeliveryState(str, Enum):
    """State of a delivery."""

    DELIVERING = "delivering"  #: the subscriber handles it, or will when its worker is running
    PARKED = "parked"  #: a dead letter: it failed for good, and an operator has to decide
    DELIVERED = "delivered"  #: the subscriber has handled it, and its own events are published
    DISCARDED = "discarded"  #: an operator decided that the subscriber does not get it


class ResolveDeadLetter(Message):
    """Operator's decision on a dead letter."""

    action: Literal["replay", "discard"]
    operator: Line
    #: What the operator found or repaired, and the evidence for it.
    note: Line


class DeliveryView(Message):
    """Delivery as its status query shows it."""

    delivery: Delivery
    state: DeliveryState
    #: Why it was parked the last time.
    error: str | None = None
    #: Since when it has been parked; None when it is not parked.
    parked_since: datetime | None = None
    #: Decisions of operators, the earliest first.
    decisions: tuple[ResolveDeadLetter, ...] = ()


class DeliveryReport(Tolerant):
    """Report to an order: the delivery of one of its events was parked, retried or discarded."""

    event: SerializeAsAny[Event]
    subscriber: Name
    #: PARKED, DELIVERING when it is retried, or DISCARDED.
    state: DeliveryState
    #: Why it was parked.
    error: str | None = None
    #: The operator's decision, if there was one.
    decision: ResolveDeadLetter | None = None


class Delivered(Message):
    """Result of a delivery."""

    event_id: str
    subscriber: str
    state: Literal[DeliveryState.DELIVERED, DeliveryState.DISCARDED]
    #: Ids of the events that the subscriber emitted in answer.
    emitted: tuple[str, ...] = ()
