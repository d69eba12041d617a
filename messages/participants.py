"""The services that take part in an order: one table, from which all else is derived.

How to add one: ``docs/adding-a-service.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Annotated

from pydantic import GetPydanticSchema

from messages.events.base import OrderEvent, Refusal, Undone
from messages.events.inventory import (
    InventoryReleased,
    InventoryReservationFailed,
    InventoryReserved,
)
from messages.events.loyalty import (
    LoyaltyPointsAwarded,
    LoyaltyPointsDeducted,
    LoyaltyPointsRefused,
)
from messages.events.order import OrderCancelled, OrderCreated
from messages.events.payment import PaymentFailed, PaymentRefunded, PaymentSucceeded
from messages.events.shipping import ShipmentCancelled, ShipmentFailed, ShipmentPrepared
from messages.ids import OperationId
from messages.inventory import ReserveInventory
from messages.loyalty import AwardLoyaltyPoints
from messages.orders import Order
from messages.payment import ProcessPayment
from messages.requests import StepRequest
from messages.shipping import PrepareShipping


@dataclass(frozen=True)
class Participant:
    """A service, and its part in an order."""

    #: Names its modules (``activities/<service>.py`` and its siblings), its ledger, its settings.
    service: str
    #: Its step, and the activity that takes it.
    step: str
    #: The activity that undoes the step.
    compensation: str
    #: What both activities are asked.
    request: type[StepRequest]
    #: Among events: in answer to which one it takes its step.
    takes: type[OrderEvent]
    #: What it tells: that the step is done, that it is refused, that nothing of it stands.
    done: type[OrderEvent]
    refused: type[Refusal]
    undone: type[Undone]

    @property
    def settlement(self) -> str:
        """The activity that records an operator's decision on the step."""
        return f"settle_{self.service}"

    def reaction_to(self, event: type[OrderEvent]) -> str:
        """The activity by which it reacts to an event of that type."""
        words = re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()
        return f"{self.service}_on_{words}"

    @property
    def reactions(self) -> tuple[str, str]:
        """The activities that take the step, and undo it, in answer to an event."""
        return self.reaction_to(self.takes), self.reaction_to(OrderCancelled)

    @property
    def activities(self) -> tuple[str, ...]:
        """Every activity that its worker hosts for it, but for the reconciler's questions."""
        return (self.step, self.compensation, self.settlement, *self.reactions)


#: In the order in which they take their steps.
PARTICIPANTS = (
    Participant(
        "inventory",
        step="reserve_inventory",
        compensation="release_inventory",
        request=ReserveInventory,
        takes=OrderCreated,
        done=InventoryReserved,
        refused=InventoryReservationFailed,
        undone=InventoryReleased,
    ),
    Participant(
        "payment",
        step="process_payment",
        compensation="refund_payment",
        request=ProcessPayment,
        takes=InventoryReserved,
        done=PaymentSucceeded,
        refused=PaymentFailed,
        undone=PaymentRefunded,
    ),
    Participant(
        "shipping",
        step="prepare_shipping",
        compensation="cancel_shipment",
        request=PrepareShipping,
        takes=PaymentSucceeded,
        done=ShipmentPrepared,
        refused=ShipmentFailed,
        undone=ShipmentCancelled,
    ),
    Participant(
        "loyalty",
        step="award_loyalty_points",
        compensation="deduct_loyalty_points",
        request=AwardLoyaltyPoints,
        takes=ShipmentPrepared,
        done=LoyaltyPointsAwarded,
        refused=LoyaltyPointsRefused,
        undone=LoyaltyPointsDeducted,
    ),
)

SERVICES = tuple(participant.service for participant in PARTICIPANTS)
STEPS = tuple(participant.step for participant in PARTICIPANTS)
COMPENSATIONS = tuple(participant.compensation for participant in PARTICIPANTS)

BY_SERVICE: Mapping[str, Participant] = {p.service: p for p in PARTICIPANTS}
BY_STEP: Mapping[str, Participant] = {p.step: p for p in PARTICIPANTS}

#: By service, its step.
STEP_OF: Mapping[str, str] = dict(zip(SERVICES, STEPS, strict=True))

#: By type of event that a service tells, the step that it is about.
STEP_TOLD_OF: Mapping[type[OrderEvent], str] = {
    event: p.step for p in PARTICIPANTS for event in (p.done, p.refused, p.undone)
}

#: The request of whichever step, read as what it is.
AnyRequest = Annotated[
    StepRequest,
    GetPydanticSchema(
        lambda _, handler: handler.generate_schema(reduce(or_, (p.request for p in PARTICIPANTS)))
    ),
]


def requests_of(order: Order, saga_id: str, run_id: str) -> dict[str, StepRequest]:
    """Every request that a run makes for its order, by step, in the order of the steps."""
    return {
        p.step: p.request.of(order, str(OperationId(saga_id, run_id, p.step))) for p in PARTICIPANTS
    }
