"""Table of the services that take part in an order, from which everything else is derived.

``docs/adding-a-service.md`` says how to add one.
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
    """Service and its step in an order."""

    #: Name of the service, and so of its modules (such as ``activities/<service>.py``), its
    #: ledger and its settings.
    service: str
    #: Name of the step, and of the activity that is its action.
    step: str
    #: Name of the activity that undoes the step.
    compensation: str
    #: Type of the request that both activities receive.
    request: type[StepRequest]
    #: Event to which the service reacts by taking its step, in a choreography.
    takes: type[OrderEvent]
    #: Event that says: the step is done.
    done: type[OrderEvent]
    #: Event that says: the step is refused.
    refused: type[Refusal]
    #: Event that says: nothing of the step stands.
    undone: type[Undone]

    @property
    def settlement(self) -> str:
        """Name of the activity that records an operator's decision on the step."""
        return f"settle_{self.service}"

    def reaction_to(self, event: type[OrderEvent]) -> str:
        """Return the name of the activity that handles events of that type."""
        words = re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()
        return f"{self.service}_on_{words}"

    @property
    def reactions(self) -> tuple[str, str]:
        """Names of the activities that take the step, and undo it, in answer to an event."""
        return self.reaction_to(self.takes), self.reaction_to(OrderCancelled)

    @property
    def activities(self) -> tuple[str, ...]:
        """Names of the service's activities, except those that the reconciler calls."""
        return (self.step, self.compensation, self.settlement, *self.reactions)


#: In the order of the steps.
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

#: Name of the step, by service.
STEP_OF: Mapping[str, str] = dict(zip(SERVICES, STEPS, strict=True))

#: Name of the step that an event is about, by type of the event.
STEP_TOLD_OF: Mapping[type[OrderEvent], str] = {
    event: p.step for p in PARTICIPANTS for event in (p.done, p.refused, p.undone)
}

#: The request of any step. Validation returns it in the class of that step.
AnyRequest = Annotated[
    StepRequest,
    GetPydanticSchema(
        lambda _, handler: handler.generate_schema(reduce(or_, (p.request for p in PARTICIPANTS)))
    ),
]


def requests_of(order: Order, saga_id: str, run_id: str) -> dict[str, StepRequest]:
    """Return all requests of a run for its order, by step, in the order of the steps."""
    return {
        p.step: p.request.of(order, str(OperationId(saga_id, run_id, p.step))) for p in PARTICIPANTS
    }
