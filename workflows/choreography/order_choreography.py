"""Choreographed order: emits that it was created, and waits for the results of the services.

It calls no service to take or undo a step. It emits ``OrderCreated`` and, if it is called off,
``OrderCancelled``. The table of subscriptions says which service reacts to which event.
"""

from __future__ import annotations

import asyncio

from pydantic import TypeAdapter, ValidationError
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages import wire
    from messages.deliveries import Delivery, DeliveryReport
    from messages.events.base import Event, Name, OrderEvent, PlacedOrder
    from messages.events.order import OrderCancelled, OrderCreated
    from messages.ids import event_id, order_choreography_id
    from messages.orders import Order
    from messages.participants import STEPS
    from messages.sagas import CancelOrder, EventRecord, SagaStatus, SagaSucceeded, SagaView
    from messages.validation import explain

from workflows.chain import has_earlier_life
from workflows.choreography.account import Account
from workflows.choreography.channel import Channel
from workflows.choreography.earlier_life import confirm
from workflows.choreography.follow_up import FollowUp
from workflows.choreography.subscriptions import ORDER, SUBSCRIPTIONS, UnknownEvent, read
from workflows.closing import closing_failure, no_input
from workflows.policies import deadline_of
from workflows.progress import Progress
from workflows.uninterrupted import finish

_NAME: TypeAdapter[str] = TypeAdapter(Name)


@workflow.defn(name=wire.ORDER_CHOREOGRAPHY)
class OrderChoreography:
    """Workflow of one order, from its creation to the last answer of a service."""

    @workflow.init
    def __init__(self, order: Order | None = None) -> None:
        if order is None:
            raise no_input("no order given")
        _check_id()
        saga_id = order_choreography_id(order.order_id)
        self._order = order
        self._progress = Progress(saga_id, STEPS, deadline_of(order))
        self._account = Account(self._progress)
        self._channel = Channel()
        self._verified = self._channel.verified
        self._follow_up = FollowUp(self._account, self._channel)

    @workflow.run
    async def run(self, order: Order | None = None) -> SagaSucceeded:
        """Emit ``OrderCreated``, and wait until every step has succeeded or is undone.

        Raises:
            ApplicationError: the order was rolled back or cancelled, or the input is no order.
            CancelledError: the order was rolled back, because Temporal cancelled the run.
        """
        created = self._created()
        if self._verified:
            self._watch = asyncio.create_task(self._follow_up.watch())
            self._check_deadline()
        # An order that is cancelled before it begins is not announced, so no service charges for
        # it. OrderCancelled still goes out below, and makes the services refuse a late action.
        if not self._verified or self._account.turn is None:
            await self._tell(created)
        await self._wait_for_the_outcome()
        if self._account.turn is None and self._verified and has_earlier_life():
            confirmed = asyncio.create_task(confirm(self._account, created))
            await finish(confirmed, on_cancel=self._cancelled_natively)
        turn = self._account.turn
        if turn is None:
            return self._account.succeeded()
        # The event that turned it back may be forged, with other items or amounts in it.
        cause = (self._account.turned_by or created).model_copy(update={"order": created.order})
        await self._call_off(OrderCancelled.after(cause, workflow.now(), reason=turn.error))
        await finish(asyncio.create_task(self._wait_until_undone()))
        raise closing_failure(self._account.rolled_back(turn), natively=turn.natively)

    @workflow.signal(name=wire.RECEIVE_EVENT, description="a service has published an event")
    async def receive_event(self, event: Event) -> None:
        """Apply an event, if it is about this run."""
        run = workflow.info()
        if (event.correlation_id, event.saga_run_id) != (
            run.workflow_id,
            run.first_execution_run_id,
        ):
            return  # about another run of this order, or about another order
        try:
            self._account.hear(read(event))
            self._follow_up.remember(event)
        except UnknownEvent:
            # The delivery fails to read it as well, and parks it as a dead letter.
            await self._channel.park(Delivery(event=event, subscriber=ORDER.name))

    @workflow.signal(
        name=wire.DELIVERY_REPORT, description="the delivery of an event changed its state"
    )
    def delivery_report(self, report: DeliveryReport) -> None:
        """Apply a report that a delivery was parked or resolved."""
        if report.event.saga_run_id == workflow.info().first_execution_run_id:
            self._account.hear_of_delivery(report)

    @workflow.query(name=wire.STATUS)
    def status(self) -> SagaView:
        """Return every step with its state and times, as far as the order knows."""
        return self._progress.view()

    @workflow.query(name=wire.EVENTS)
    def events(self) -> list[EventRecord]:
        """Return every event that the order emitted or received; each names its cause."""
        return self._account.events

    @workflow.update(name=wire.CANCEL_ORDER, description="cancel the order, and undo what was done")
    def cancel_order(self, request: CancelOrder) -> SagaView:
        """Cancel the order: its effects are undone, also those that are still on their way."""
        self._account.call_off("CANCELLED", request.reason, self._account.awaited_step())
        return self._progress.view()

    @cancel_order.validator
    def _may_cancel(self, request: CancelOrder) -> None:
        if self._account.turn is not None:
            why = self._account.turn.error
            raise ValueError(f"too late to cancel: already turned back ({why})")
        if self._progress.status is SagaStatus.SUCCESS:
            raise ValueError("too late to cancel: already succeeded")

    def _created(self) -> OrderCreated:
        # Events are sent to the workflow under the correlation id, so that is the id of this run,
        # also if somebody started it with another id than the order's own.
        name, run_id = workflow.info().workflow_id, workflow.info().first_execution_run_id
        order = PlacedOrder.of(self._order)
        return OrderCreated(
            id=event_id(name, run_id, OrderCreated.__name__),
            version=order.version,
            correlation_id=name,
            saga_run_id=run_id,
            time=workflow.now(),
            order=order,
        )

    async def _tell(self, event: OrderEvent) -> None:
        self._account.record(event)
        self._follow_up.remember(event)
        publishing = asyncio.create_task(self._channel.publish(event))
        await finish(publishing, on_cancel=self._cancelled_natively)

    async def _call_off(self, cancelled: OrderCancelled) -> None:
        if not (
            self._verified and has_earlier_life() and workflow.patched(wire.ASK_AGAIN_AFTER_A_RESET)
        ):
            await self._tell(cancelled)
            return
        # A normal publish skips a delivery that the earlier life completed, and the order would
        # wait for its answer for ever. So each service is asked again.
        self._account.forget_reported_undos()
        self._account.record(cancelled)
        self._follow_up.remember(cancelled)
        await finish(asyncio.create_task(self._follow_up.check()))

    def _check_deadline(self) -> None:
        """Turn back if the deadline passed before a worker picked up the order."""
        late = self._progress.deadline <= workflow.now()
        if late and self._account.turn is None and not self._account.everything_stands:
            step = self._account.awaited_step()
            self._account.call_off("FAILED", f"deadline passed before {step}", None)

    async def _wait_for_the_outcome(self) -> None:
        """Wait until every step has succeeded or the order turns back."""
        account = self._account
        try:
            await workflow.wait_condition(
                lambda: self._complete(account.everything_stands) or account.turn is not None,
                timeout=self._progress.deadline - workflow.now(),
                timeout_summary="deadline of the order",
            )
            if account.turn is None:
                await self._handle_late_messages()
        except asyncio.TimeoutError:
            step = account.awaited_step()
            account.call_off("FAILED", f"deadline passed: nothing heard of {step}", step)
        except asyncio.CancelledError:
            self._cancelled_natively()
        # A cancel in the same workflow task as the last event may not have interrupted the wait.
        if workflow.cancellation_reason() is not None:
            self._cancelled_natively()

    async def _handle_late_messages(self) -> None:
        """Let messages that arrived with the last event take effect before the order ends.

        Within a workflow task the SDK applies signals, and runs the workflow, before it applies
        a cancel. The cancel is applied before an activity ends, or in a later task.
        """
        await self._channel.pass_a_moment(on_cancel=self._cancelled_natively)
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _wait_until_undone(self) -> None:
        await workflow.wait_condition(lambda: self._complete(self._account.nothing_stands))

    @staticmethod
    def _complete(condition: bool) -> bool:
        return condition and workflow.all_handlers_finished()

    def _cancelled_natively(self) -> None:
        reason = workflow.cancellation_reason() or "cancelled through Temporal"
        step = self._account.awaited_step()
        self._account.call_off("CANCELLED", reason, step, natively=True)


def _check_id() -> None:
    """Refuse to run under a workflow id that cannot be part of an event's id."""
    run = workflow.info()
    longest = max(SUBSCRIPTIONS, key=len)
    try:
        _NAME.validate_python(event_id(run.workflow_id, run.first_execution_run_id, longest))
    except ValidationError as error:
        raise no_input(
            f"the workflow id cannot be part of an event's id: {explain(error)}"
        ) from None
