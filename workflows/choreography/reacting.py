"""Reaction of a service to an event, and publication of the events of its answer."""

from __future__ import annotations

from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.deliveries import DeliveryActivities
    from messages.deliveries import Delivery, FirstAttempt
    from messages.events.base import Event

from workflows.choreography.publication import publish
from workflows.choreography.subscriptions import Subscriber
from workflows.failure import is_final, was_cancelled
from workflows.replies import UnreadableReply, call, call_locally


async def deliver_to(subscriber: Subscriber, delivery: Delivery) -> tuple[str, ...]:
    """Deliver the event to a service; return the ids of the events of its answer, all published.

    The first attempt is a local activity, which does everything inside the workflow task. If its
    result is lost with the task, or if it fails, nobody knows what it did. So every other attempt
    is made with the same event. The service recognises it, and so does the server if the events
    are published again.

    Raises:
        FailureError: the service failed for good, or the workflow interrupted it.
        UnreadableReply: the reply cannot be read.
    """
    attempts = subscriber.policy.retry.maximum_attempts
    try:
        first = await _attempt_at_once(subscriber, delivery)
        if first.is_here:
            return first.emitted
    except (FailureError, UnreadableReply) as error:
        if was_cancelled(error) or is_final(error) or attempts == 1:
            raise
        attempts = max(0, attempts - 1)
    emitted = await react(subscriber, delivery.event, attempts)
    await publish(emitted)
    return tuple(event.id for event in emitted)


async def react(subscriber: Subscriber, event: Event, attempts: int | None = None) -> list[Event]:
    """Have the service react to the event, by a regular activity.

    Args:
        attempts: largest number of attempts; by default that of the subscriber's policy.
    """
    assert subscriber.reaction is not None
    retry = subscriber.policy.retry
    return await call(
        subscriber.reaction,
        event,
        reply=list[Event],
        attempt=subscriber.policy.attempt,
        retry=retry if attempts is None else replace(retry, maximum_attempts=attempts),
        service=subscriber.name,
    )


async def _attempt_at_once(subscriber: Subscriber, delivery: Delivery) -> FirstAttempt:
    return await call_locally(
        DeliveryActivities.deliver_here.__name__,
        delivery,
        reply=FirstAttempt,
        limit=subscriber.policy.fast,
        summary=f"{subscriber.reaction}, first attempt",
    )
