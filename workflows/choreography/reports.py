"""Reports on deliveries, and the step of the order that each one concerns."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.deliveries import DeliveryReport
    from messages.ids import event_id
    from messages.participants import STEP_OF, STEP_TOLD_OF

from workflows.choreography.subscriptions import ORDER, SUBSCRIPTIONS

_STEP_TOLD_OF = {event.__name__: step for event, step in STEP_TOLD_OF.items()}


def step_of(report: DeliveryReport) -> str | None:
    """Return the subscriber's step; for the order, the step of the service that sent the event.

    None for an event that this order's flow did not produce: anybody can send one, and the
    order does not depend on it.
    """
    if not _belongs_to_the_flow(report):
        return None
    if report.subscriber == ORDER.name:
        return _STEP_TOLD_OF.get(report.event.type)
    return STEP_OF.get(report.subscriber)


def _belongs_to_the_flow(report: DeliveryReport) -> bool:
    event = report.event
    subscribers = {subscriber.name for subscriber in SUBSCRIPTIONS.get(event.type, ())}
    own_id = event_id(event.correlation_id, event.saga_run_id, event.type)
    return report.subscriber in subscribers and event.id == own_id
