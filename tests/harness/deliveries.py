"""Deliveries of a choreographed order's events: what a test sees of them, and does to them."""

from __future__ import annotations

from typing import Any, Literal

from temporalio.client import WorkflowHandle

from cli.modes import Mode
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
from tests.harness.progress import until_retrying, until_running, until_under_way
from tests.harness.runs import describe, first_run, resolve
from tests.harness.shop import Handle, Shop
from tests.harness.steps import ACTIONS, UNDOS
from tests.harness.waiting import until
from workflows.choreography.delivery import EventDelivery

DeliveryHandle = WorkflowHandle[EventDelivery, Delivered]

#: By service, how the delivery of the event that has it act is called: ``<event>/<subscriber>``.
FORWARD = {p.service: f"{p.takes.__name__}/{p.service}" for p in PARTICIPANTS}
BACKWARD = {service: f"OrderCancelled/{service}" for service in FORWARD}
#: By operation, how the delivery is called by which a service comes to it.
DELIVERY_OF = {
    **{ACTIONS[service]: name for service, name in FORWARD.items()},
    **{UNDOS[service]: name for service, name in BACKWARD.items()},
}


def delivery(shop: Shop, order: Handle, name: str) -> DeliveryHandle:
    """One of the order's deliveries, begun or not."""
    event, subscriber = name.split("/")
    told = event_id(order.id, first_run(order), event)
    return shop.client.get_workflow_handle_for(EventDelivery.run, delivery_id(told, subscriber))


async def deliver(
    shop: Shop, event: Event, subscriber: str, variant: str = "", **options: Any
) -> DeliveryHandle:
    """Begin a delivery as anybody may who can reach the server.

    It is called as it would be anyhow, or as it would be if that were taken.
    """
    return await shop.begin(
        "EventDelivery",
        Delivery(event=event, subscriber=subscriber),
        workflow_id=delivery_id(event.id, subscriber, variant),
        result_type=Delivered,
        **options,
    )


async def until_called(shop: Shop, order: Handle, operation: str) -> None:
    """Wait until a service is at an operation for the order, whoever calls it."""
    if shop.mode is Mode.ORCHESTRATION:
        await until_running(order, operation)
    else:
        await until_under_way(delivery(shop, order, DELIVERY_OF[operation]))


async def until_called_in_vain(shop: Shop, order: Handle, operation: str) -> None:
    """Wait until an operation has failed for the order, and is about to be called again."""
    if shop.mode is Mode.ORCHESTRATION:
        await until_retrying(order, operation)
    else:
        await until_retrying(delivery(shop, order, DELIVERY_OF[operation]))


async def retry_refund(shop: Shop, order: Handle) -> None:
    """Have the order's parked refund tried again, as an operator of its mode does."""
    if shop.mode is Mode.ORCHESTRATION:
        await resolve(order, "retry")
    else:
        letter = delivery(shop, order, BACKWARD["payment"])
        await until_parked(letter)
        await decide(letter, "replay")


async def view(delivery: DeliveryHandle) -> DeliveryView:
    """Return the answer to its status query."""
    return await delivery.query(EventDelivery.status)


async def until_parked(delivery: DeliveryHandle) -> DeliveryView:
    """Wait until it is a dead letter."""

    async def parked() -> bool:
        found = await describe(delivery)
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
    """Return the ids of all dead letters: one search-attribute query, as an operator asks it."""
    query = (
        'SagaStatus = "NEEDS_INTERVENTION" AND ExecutionStatus = "Running"'
        f' AND WorkflowType = "EventDelivery" AND TaskQueue = "{shop.settings.task_queue}"'
    )
    return {run.id async for run in shop.client.list_workflows(query)}


async def until_listed(shop: Shop, *letters: DeliveryHandle) -> None:
    """Wait until these, and no others, are listed as dead letters."""

    async def listed() -> bool:
        return await dead_letters(shop) == {letter.id for letter in letters}

    await until(listed)


async def carried(delivery: DeliveryHandle) -> Event:
    """Return the event that it delivers."""
    return (await view(delivery)).delivery.event
