"""Histories of closed runs without a result: the order, and the decisions of operators."""

from __future__ import annotations

from temporalio.client import Client

from messages import wire
from messages.deliveries import DeliveryReport, DeliveryState
from messages.events.order import OrderCancelled
from messages.orders import Order
from messages.participants import STEP_OF
from messages.sagas import ResolveCompensation
from runs.descriptions import SERVER_TIMEOUT, Handle
from runs.inputs import decoded, order_in


async def read_history(client: Client, run: Handle) -> tuple[Order | None, tuple[str, ...]]:
    """Return the order that the run was started with, and the steps that were undone by hand."""
    order: Order | None = None
    by_hand: list[str] = []
    async for event in run.fetch_history_events(rpc_timeout=SERVER_TIMEOUT):
        if event.HasField("workflow_execution_started_event_attributes"):
            order = await order_in(client, event.workflow_execution_started_event_attributes)
        accepted = event.workflow_execution_update_accepted_event_attributes.accepted_request
        # A reset admits again the updates that its base run had accepted.
        admitted = event.workflow_execution_update_admitted_event_attributes.request
        for request in (accepted.input, admitted.input):
            if request.name == wire.RESOLVE_COMPENSATION:
                decision = await decoded(client, request.args, ResolveCompensation)
                if decision is not None and decision.action == "mark_resolved":
                    by_hand.append(decision.step)
        signal = event.workflow_execution_signaled_event_attributes
        if signal.signal_name == wire.DELIVERY_REPORT:
            report = await decoded(client, signal.input, DeliveryReport)
            if report is not None and _undone_by_hand(report):
                by_hand.append(STEP_OF[report.subscriber])
    return order, tuple(dict.fromkeys(by_hand))


def _undone_by_hand(report: DeliveryReport) -> bool:
    """Tell whether an operator discarded the event by which a service undoes its step."""
    discarded = report.state is DeliveryState.DISCARDED and report.decision is not None
    undoing = report.event.type == OrderCancelled.__name__
    return discarded and undoing and report.subscriber in STEP_OF
