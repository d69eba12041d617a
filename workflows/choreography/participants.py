"""What the order hears from each service, and which step of the saga that is about."""

from __future__ import annotations

from typing import NamedTuple

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.events.base import OrderEvent
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
    from messages.events.payment import PaymentFailed, PaymentRefunded, PaymentSucceeded
    from messages.events.shipping import ShipmentCancelled, ShipmentFailed, ShipmentPrepared

Refusal = InventoryReservationFailed | PaymentFailed | ShipmentFailed | LoyaltyPointsRefused
Undone = InventoryReleased | PaymentRefunded | ShipmentCancelled | LoyaltyPointsDeducted


class Participant(NamedTuple):
    """A service that has a part in the order, as the order sees it."""

    #: The name under which it subscribes.
    service: str
    #: Its step of the saga.
    step: str
    done: type[OrderEvent]
    refused: type[Refusal]
    undone: type[Undone]


PARTICIPANTS = (
    Participant(
        "inventory",
        "reserve_inventory",
        InventoryReserved,
        InventoryReservationFailed,
        InventoryReleased,
    ),
    Participant("payment", "process_payment", PaymentSucceeded, PaymentFailed, PaymentRefunded),
    Participant(
        "shipping", "prepare_shipping", ShipmentPrepared, ShipmentFailed, ShipmentCancelled
    ),
    Participant(
        "loyalty",
        "award_loyalty_points",
        LoyaltyPointsAwarded,
        LoyaltyPointsRefused,
        LoyaltyPointsDeducted,
    ),
)

BY_SERVICE = {participant.service: participant for participant in PARTICIPANTS}
STEPS = tuple(participant.step for participant in PARTICIPANTS)
STEP_OF = {
    event: participant.step
    for participant in PARTICIPANTS
    for event in (participant.done, participant.refused, participant.undone)
}
