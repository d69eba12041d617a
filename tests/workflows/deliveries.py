"""What a test sees of the deliveries of a choreographed order's events, and does to them."""

from __future__ import annotations

from typing import Literal

from temporalio.client import WorkflowExecutionDescription, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from messages.deliveries import (
    Delivered,
    Delivery,
    DeliveryState,
    DeliveryView,
    ResolveDeadLetter,
)
from messages.events.base import Event
from messages.ids import delivery_id, event_id
from messages.participants import PARTICIPANTS
from tests.harness.server import in_real_time
from tests.workflows.conftest import ChoreographyHandle, Shop, until
from workflows.choreography.delivery import EventDelivery

DeliveryHandle = WorkflowHandle[EventDelivery, Delivered]

#: By service, how the delivery of the event that has it act is called: ``<event>/<subscriber>``.
FORWARD = {p.service: f"{p.takes.__name__}/{p.service}" for p in PARTICIPANTS}
BACKWARD = {service: f"OrderCancelled/{service}" for service in FORWARD}

#: By service, its operations.
ACTIONS = {p.service: p.step for p in PARTICIPANTS}
UNDOS = {p.service: p.compensation for p in PARTICIPANTS}


def delivery(shop: Shop, order: ChoreographyHandle, name: str) -> DeliveryHandle:
    """One of the order's deliveries, begun or not."""
    event, subscriber = name.split("/")
    told = event_id(order.id, order.first_execution_run_id or "", event)
    return shop.env.client.get_workflow_handle_for(EventDelivery.run, delivery_id(told, subscriber))


async def outsider(shop: Shop, event: Event, subscriber: str, variant: str = "") -> DeliveryHandle:
    """Begin a delivery as anybody may who can reach the server.

    It is called as it would be anyhow, or as it would be if that were taken.
    """
    async with in_real_time(shop.env):
        return await shop.env.client.start_workflow(
            EventDelivery.run,
            Delivery(event=event, subscriber=subscriber),
            id=delivery_id(event.id, subscriber, variant),
            task_queue=shop.settings.task_queue,
        )


async def description(delivery: DeliveryHandle) -> WorkflowExecutionDescription | None:
    """Temporal's own word on it; None when it has not begun."""
    try:
        return await delivery.describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def until_reacting(delivery: DeliveryHandle) -> None:
    """Wait until the subscriber's reaction runs."""
    await _until_pending(delivery, waiting=False)


async def until_retrying(delivery: DeliveryHandle) -> None:
    """Wait until the reaction has failed and waits for its next attempt."""
    await _until_pending(delivery, waiting=True)


async def _until_pending(delivery: DeliveryHandle, *, waiting: bool) -> None:
    wanted = 1 if waiting else 2  # PENDING_ACTIVITY_STATE_SCHEDULED, …_STARTED

    async def reached() -> bool:
        found = await description(delivery)
        return found is not None and any(
            pending.state == wanted and pending.HasField("last_failure") >= waiting
            for pending in found.raw_description.pending_activities
        )

    await until(reached)


async def until_begun(delivery: DeliveryHandle) -> None:
    async def begun() -> bool:
        return await description(delivery) is not None

    await until(begun)


async def view(delivery: DeliveryHandle) -> DeliveryView:
    """What its status query answers."""
    return await delivery.query(EventDelivery.status)


async def until_parked(delivery: DeliveryHandle) -> DeliveryView:
    """Wait until it is a dead letter."""

    async def parked() -> bool:
        found = await description(delivery)
        return found is not None and (await view(delivery)).state is DeliveryState.PARKED

    await until(parked)
    return await view(delivery)


async def decide(
    delivery: DeliveryHandle, action: Literal["replay", "discard"], note: str = "mended"
) -> DeliveryView:
    """Decide on a dead letter, as an operator."""
    decision = ResolveDeadLetter(action=action, operator="ada", note=note)
    return await delivery.execute_update(EventDelivery.resolve_dead_letter, decision)


async def dead_letters(shop: Shop) -> set[str]:
    """The ids of all dead letters: one search-attribute query, as an operator asks it."""
    query = (
        'SagaStatus = "NEEDS_INTERVENTION" AND ExecutionStatus = "Running"'
        f' AND WorkflowType = "EventDelivery" AND TaskQueue = "{shop.settings.task_queue}"'
    )
    return {run.id async for run in shop.env.client.list_workflows(query)}


async def until_listed(shop: Shop, *letters: DeliveryHandle) -> None:
    """Wait until these, and no others, are listed as dead letters."""

    async def listed() -> bool:
        return await dead_letters(shop) == {letter.id for letter in letters}

    await until(listed)


async def carried(delivery: DeliveryHandle) -> Event:
    """The event that it delivers."""
    return (await view(delivery)).delivery.event
