"""Reports on deliveries: which step of the order is one about, if the order depends on it?"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.deliveries import DeliveryReport
    from messages.ids import event_id

from workflows.choreography.participants import BY_SERVICE, STEP_OF
from workflows.choreography.subscriptions import ORDER, SUBSCRIPTIONS

_STEP_BY_NAME = {event.__name__: step for event, step in STEP_OF.items()}


def step_of(report: DeliveryReport) -> str | None:
    """Return the step of the service that is told, or of the word that the order awaits.

    None for an event that somebody made up, or sent again: the order does not depend on it.
    """
    if not _is_on_the_way(report):
        return None
    if report.subscriber == ORDER.name:
        return _STEP_BY_NAME.get(report.event.type)
    participant = BY_SERVICE.get(report.subscriber)
    return participant.step if participant else None


def _is_on_the_way(report: DeliveryReport) -> bool:
    event = report.event
    subscribers = {subscriber.name for subscriber in SUBSCRIPTIONS.get(event.type, ())}
    own_id = event_id(event.correlation_id, event.saga_run_id, event.type)
    return report.subscriber in subscribers and event.id == own_id
