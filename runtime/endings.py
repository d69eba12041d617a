"""What a closed run tells about its end: its result, or, when it had none, its history."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from pydantic import ValidationError
from temporalio.api.common.v1 import Payloads
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError

from messages.deliveries import DeliveryReport, DeliveryState
from messages.events.order import OrderCancelled
from messages.orders import Order
from messages.requests import STEP_OF
from messages.sagas import ResolveCompensation, SagaRolledBack

#: For one call that the server answers by itself.
SERVER_TIMEOUT = timedelta(seconds=10)

_M = TypeVar("_M", Order, ResolveCompensation, DeliveryReport)

#: By which a choreographed order hears how the delivery of an event goes.
_DELIVERY_REPORT = "delivery_report"


async def result_of(client: Client, run: WorkflowExecutionDescription) -> SagaRolledBack | None:
    """The result of a run that closed as Failed or Canceled; None when it left none."""
    try:
        await client.get_workflow_handle(run.id, run_id=run.run_id).result()
    except WorkflowFailureError as failure:
        kept: object = None
        if isinstance(failure.cause, ApplicationError) and failure.cause.details:
            kept = failure.cause.details[0]
        elif isinstance(failure.cause, CancelledError):
            # A run closed as Canceled carries no result, so the saga left it in the memo.
            kept = await run.memo_value("result", None)
        try:
            return SagaRolledBack.model_validate(kept)
        except ValidationError:
            return None
    return None


async def story_of(
    client: Client, run: WorkflowExecutionDescription
) -> tuple[Order | None, tuple[str, ...]]:
    """The order that the run was started with, and the steps recorded as undone by hand."""
    order: Order | None = None
    by_hand: list[str] = []
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    async for event in handle.fetch_history_events(rpc_timeout=SERVER_TIMEOUT):
        if event.HasField("workflow_execution_started_event_attributes"):
            given = event.workflow_execution_started_event_attributes.input
            order = await _decoded(client, given, Order)
        accepted = event.workflow_execution_update_accepted_event_attributes.accepted_request
        # A reset admits again what its base run had accepted.
        admitted = event.workflow_execution_update_admitted_event_attributes.request
        for request in (accepted.input, admitted.input):
            if request.name == "resolve_compensation":
                decision = await _decoded(client, request.args, ResolveCompensation)
                if decision is not None and decision.action == "mark_resolved":
                    by_hand.append(decision.step)
        signal = event.workflow_execution_signaled_event_attributes
        if signal.signal_name == _DELIVERY_REPORT:
            report = await _decoded(client, signal.input, DeliveryReport)
            if report is not None and _took_over(report):
                by_hand.append(STEP_OF[report.subscriber])
    return order, tuple(dict.fromkeys(by_hand))


def _took_over(report: DeliveryReport) -> bool:
    """Whether an operator kept a service from undoing its part of a cancelled order."""
    discarded = report.state is DeliveryState.DISCARDED and report.decision is not None
    undoing = report.event.type == OrderCancelled.__name__
    return discarded and undoing and report.subscriber in STEP_OF


async def _decoded(client: Client, given: Payloads, kind: type[_M]) -> _M | None:
    try:
        decoded = await client.data_converter.decode(given.payloads, [kind])
    except Exception:  # whatever anybody has sent
        return None
    return decoded[0] if len(decoded) == 1 and isinstance(decoded[0], kind) else None
