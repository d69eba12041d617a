"""What a closed run tells about its end: its result, or, when it had none, its history."""

from __future__ import annotations

from pydantic import ValidationError
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError

from messages.deliveries import DeliveryReport, DeliveryState
from messages.events.order import OrderCancelled
from messages.orders import Order
from messages.participants import STEP_OF
from messages.sagas import ResolveCompensation, SagaRolledBack
from runtime.inputs import SERVER_TIMEOUT, decoded

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
            order = await decoded(client, given, Order)
        accepted = event.workflow_execution_update_accepted_event_attributes.accepted_request
        # A reset admits again what its base run had accepted.
        admitted = event.workflow_execution_update_admitted_event_attributes.request
        for request in (accepted.input, admitted.input):
            if request.name == "resolve_compensation":
                decision = await decoded(client, request.args, ResolveCompensation)
                if decision is not None and decision.action == "mark_resolved":
                    by_hand.append(decision.step)
        signal = event.workflow_execution_signaled_event_attributes
        if signal.signal_name == _DELIVERY_REPORT:
            report = await decoded(client, signal.input, DeliveryReport)
            if report is not None and _took_over(report):
                by_hand.append(STEP_OF[report.subscriber])
    return order, tuple(dict.fromkeys(by_hand))


def _took_over(report: DeliveryReport) -> bool:
    """Whether an operator kept a service from undoing its part of a cancelled order."""
    discarded = report.state is DeliveryState.DISCARDED and report.decision is not None
    undoing = report.event.type == OrderCancelled.__name__
    return discarded and undoing and report.subscriber in STEP_OF
